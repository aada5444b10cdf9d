const imfFixdate =
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (\d{2}) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) (\d{4}) (\d{2}):(\d{2}):(\d{2}) GMT$/;
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/**
 * Milliseconds to wait by a Retry-After header (RFC 9110 §10.2.3: seconds, or an HTTP date) or by its milliseconds twin,
 * given as `<n>ms`; null where the value is none of these. A date that has passed is no wait.
 */
export const retryAfterMs = (value: string | null, now: number): number | null => {
  const text = value?.trim() ?? '';
  const [, milliseconds] = /^(\d+(?:\.\d+)?)ms$/.exec(text) ?? [];
  if (milliseconds !== undefined) return Math.ceil(Number(milliseconds));
  // Some servers send fractions of a second, which the RFC does not know.
  if (/^\d+(?:\.\d+)?$/.test(text)) return Math.ceil(Number(text) * 1000);
  const [, day, month = '', year, hour, minute, second] = imfFixdate.exec(text) ?? [];
  if (day === undefined) return null;
  const at = Date.UTC(Number(year), months.indexOf(month), Number(day), Number(hour), Number(minute), Number(second));
  return Math.max(0, at - now);
};
