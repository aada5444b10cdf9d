export interface Check {
  readonly name: string;
  /** `note`: not needed, or not to be had on this machine. */
  readonly status: 'ok' | 'note' | 'failed';
  readonly detail: string;
  /** What to do about it. */
  readonly fix: string | null;
}

export const ok = (name: string, detail: string): Check => ({ name, status: 'ok', detail, fix: null });
export const note = (name: string, detail: string, fix: string | null): Check => ({
  name,
  status: 'note',
  detail,
  fix,
});
export const failed = (name: string, detail: string, fix: string): Check => ({ name, status: 'failed', detail, fix });
