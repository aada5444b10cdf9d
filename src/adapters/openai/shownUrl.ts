/** Without user, password and query: what a message may show. */
export const shownUrl = (baseUrl: string): string => {
  const url = new URL(baseUrl);
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
};
