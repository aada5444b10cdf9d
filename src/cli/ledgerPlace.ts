import { dirname, join, resolve } from 'node:path';
import { isKurrentUrl, parseAddress, withoutLogin } from '../adapters/kurrentdb/address';
import { usage } from './faults';

/** Where a ledger is: one SQLite file, or a KurrentDB server or cluster. */
export type LedgerPlace =
  | {
      readonly kind: 'file';
      readonly shown: string;
      readonly blobs: string;
      readonly states: string;
      readonly path: string;
    }
  | {
      readonly kind: 'server';
      /** The address as it may be shown: without user and password. */
      readonly shown: string;
      readonly blobs: string;
      readonly states: string;
      readonly url: string;
      /** Where local mirrors of the ledger may be: one for each process that has it open at the same time. */
      readonly mirrors: readonly string[];
    };

/** How many processes of one machine may have one server's ledger open at once. */
const mirrorsKept = 32;

const fileNameOf = (url: string): string => {
  try {
    return parseAddress(url).fileName;
  } catch (failure) {
    const message = failure instanceof Error ? failure.message : String(failure);
    return usage(`${withoutLogin(url)}: ${message}`);
  }
};

/**
 * What a ledger's name says, and where its blobs lie: beside a file in `<file>.blobs`, of a server's ledger in
 * `./<host>-<port>[-<ledger>].blobs`, or in the folder that is given. A server's mirror lies beside the blobs. Saved states
 * of projections lie in `<file>.projections`, a server's beside its blobs.
 */
export const ledgerPlace = (name: string, blobFolder: string | undefined): LedgerPlace => {
  if (!name.includes('://')) {
    const path = resolve(name);
    return {
      kind: 'file',
      shown: path,
      path,
      blobs: resolve(blobFolder ?? `${path}.blobs`),
      states: `${path}.projections`,
    };
  }
  const shown = withoutLogin(name);
  if (!isKurrentUrl(name)) {
    return usage(`${shown}: a ledger is a file, or kurrentdb://host:2113?tls=false, or kurrentdb+discover://host:2113`);
  }
  const fileName = fileNameOf(name);
  const blobs = resolve(blobFolder ?? `./${fileName}.blobs`);
  const mirror = (n: number): string => join(dirname(blobs), `${fileName}.mirror${n === 0 ? '' : `-${n + 1}`}.db`);
  const states = join(dirname(blobs), `${fileName}.projections`);
  return {
    kind: 'server',
    shown,
    url: name,
    blobs,
    states,
    mirrors: Array.from({ length: mirrorsKept }, (_, n) => mirror(n)),
  };
};

/** A word as a shell takes it: `?` and `&` of an address mean something there. */
export const shellWord = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word}'`);

/** A ledger as the next command would name it, without user and password. */
export const ledgerWord = (name: string): string => shellWord(withoutLogin(name));

/** The folder that a server's mirror and a file's own files are in. */
export const folderOf = (place: LedgerPlace): string =>
  place.kind === 'file' ? dirname(place.path) : dirname(place.blobs);
