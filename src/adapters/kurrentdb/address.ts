/** A connection string taken apart: what is ours, what is the client's, and what may be shown. */
export interface Address {
  /** For the client: without our own parameter, and throwing on refused appends. */
  readonly connection: string;
  /** For messages: without user and password. */
  readonly shown: string;
  /** What every stream name begins with on the server: `NAME.` with `ledger=NAME`, else nothing. */
  readonly prefix: string;
  /** For files that belong to this ledger: hosts, ports and the ledger's name, as `host-2113-NAME`. */
  readonly fileName: string;
}

const schemes = new Set(['kurrentdb', 'kurrent', 'kdb', 'esdb'].flatMap((one) => [one, `${one}+discover`]));

/** The client's own parameters, by their names in lower case. */
const known = new Set(
  [
    ['tls', 'tlsVerifyCert', 'tlsCAFile', 'userCertFile', 'userKeyFile', 'connectionName', 'nodePreference'],
    ['defaultDeadline', 'keepAliveInterval', 'keepAliveTimeout'],
    ['maxDiscoverAttempts', 'discoveryInterval', 'gossipTimeout', 'dnsDiscover', 'throwOnAppendFailure'],
  ]
    .flat()
    .map((name) => name.toLowerCase()),
);

const form = /^([a-z+]+):\/\/(?:([^@/?]*)@)?([^/?@]+)\/?(?:\?(.*))?$/i;

/** `kurrentdb://`, `kurrentdb+discover://`, or the older `esdb://` of either. */
export const isKurrentUrl = (text: string): boolean => schemes.has(text.split('://', 1)[0]?.toLowerCase() ?? '');

/** The text without user and password, for messages; whatever the text is. */
export const withoutLogin = (text: string): string => text.replace(/^([a-z+]+:\/\/).*@/i, '$1***@');

/**
 * `kurrentdb://[user:password@]host:2113[,host:2113...][?tls=false&ledger=NAME&...]`. `ledger` is ours: it keeps a ledger
 * apart from whatever else is in the same database. Throws with what is wrong with the text.
 */
export const parseAddress = (text: string): Address => {
  const match = form.exec(text);
  const [, scheme = '', user, hosts = '', query = ''] = match ?? [];
  if (match === null || !schemes.has(scheme.toLowerCase())) {
    throw new Error('expected kurrentdb://host:2113?tls=false or kurrentdb+discover://host:2113');
  }
  let prefix = '';
  const kept: string[] = [];
  for (const part of query.split('&').filter((one) => one !== '')) {
    const [name = '', value = ''] = part.split('=', 2);
    if (name === 'ledger') {
      if (!/^[A-Za-z0-9][A-Za-z0-9_-]*$/.test(value)) {
        throw new Error(`ledger: expected letters, digits, - and _, got ${JSON.stringify(value)}`);
      }
      prefix = `${value}.`;
      continue;
    }
    if (!known.has(name.toLowerCase())) throw new Error(`unknown parameter ${JSON.stringify(name)} in the address`);
    // Told not to throw, the client answers a refused append with a made-up revision.
    if (name.toLowerCase() !== 'throwonappendfailure') kept.push(part);
  }
  // The part of the client that reads waits for so long before it first connects: half a second, unless told.
  if (!kept.some((part) => /^discoveryinterval=/i.test(part))) kept.push('discoveryInterval=100');
  const login = user === undefined ? '' : `${user}@`;
  const ledger = prefix === '' ? '' : `?ledger=${prefix.slice(0, -1)}`;
  return {
    connection: `${scheme}://${login}${hosts}?${kept.join('&')}`,
    shown: `${scheme}://${hosts}${ledger}`,
    prefix,
    fileName: [hosts, prefix]
      .map((part) => part.replaceAll(/[^A-Za-z0-9._-]+/g, '-').replace(/\.$/, ''))
      .join('-')
      .replace(/-$/, ''),
  };
};
