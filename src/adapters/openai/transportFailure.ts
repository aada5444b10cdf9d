import type { FailureKind } from '../../ports/endpoint';

const hasFields = (u: unknown): u is Readonly<Record<string, unknown>> => typeof u === 'object' && u !== null;

const text = (failure: unknown, name: string): string => {
  const value = hasFields(failure) ? failure[name] : undefined;
  return typeof value === 'string' ? value : '';
};

/** An error and what it says caused it, outermost first. */
const chainOf = (failure: unknown): readonly unknown[] => {
  const chain: unknown[] = [];
  for (let one = failure; hasFields(one) && chain.length < 8; one = one['cause']) {
    chain.push(one);
    // Several addresses of one name were tried.
    const { errors } = one;
    if (Array.isArray(errors)) chain.push(...errors);
  }
  return chain;
};

const kinds: readonly (readonly [FailureKind, RegExp])[] = [
  ['timeout', /^(?:AbortError|TimeoutError|UND_ERR_(?:CONNECT|HEADERS|BODY)_TIMEOUT|ETIMEDOUT)$/],
  ['dns', /^(?:ENOTFOUND|EAI_AGAIN|EAI_FAIL|EAI_NODATA)$/],
  ['cut', /^(?:ECONNRESET|EPIPE|UND_ERR_SOCKET|UND_ERR_RES_CONTENT_LENGTH_MISMATCH|HPE_[A-Z_]+)$/],
];

/** What kind of failure a fetch that threw has met; `connect` is whatever kept a connection from coming about. */
export const transportFailure = (
  failure: unknown,
  { begun }: { readonly begun: boolean },
): { readonly kind: FailureKind; readonly message: string } => {
  const chain = chainOf(failure);
  const names = chain.flatMap((one) => [text(one, 'code'), text(one, 'name')]);
  const found = kinds.find(([, pattern]) => names.some((name) => pattern.test(name)));
  const said = chain.map((one) => text(one, 'code') || text(one, 'message')).filter((words) => words !== '');
  const message = (said.at(-1) ?? String(failure)).slice(0, 200);
  // A reply that had begun and whose end did not come was cut, whatever the words for it.
  return { kind: found?.[0] ?? (begun ? 'cut' : 'connect'), message };
};
