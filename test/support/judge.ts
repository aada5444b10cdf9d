import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import * as E from 'fp-ts/Either';
import type { RecordedEvent } from '../../events/envelope';
import { openSqliteLog } from '../../src/adapters/sqlite/eventLog';
import { seal } from '../../src/ledger/seal';
import { verify, type Verification } from '../../src/ledger/verify';
import { collect, must, testClock } from './events';
import { newFolder, openLedger } from './ledgerFile';
import { fill, trajectoryOf } from './ledgerEvents';

/** A closed ledger of 9 trajectories, sealed in the middle and at the end, and its events. */
export const makeLedger = async (): Promise<{
  readonly original: string;
  readonly events: readonly RecordedEvent[];
}> => {
  const original = join(newFolder(), 'ledger.db');
  const log = await openLedger(original);
  await fill(log, 6);
  must(await seal(log));
  for (const name of ['u0', 'u1', 'u2']) {
    must(await log.append(`trajectory-${name}`, 'noStream', trajectoryOf(name))());
  }
  must(await seal(log));
  const events = await collect(log.readAll());
  await log.close();
  return { original, events };
};

export const copyOf = (original: string): string => {
  const path = join(newFolder(), 'ledger.db');
  copyFileSync(original, path);
  copyFileSync(`${original}.sha256`, `${path}.sha256`);
  return path;
};

export interface Verdict {
  readonly opened: boolean;
  readonly ledger: Verification | undefined;
  readonly storageOk: boolean;
  readonly storage: string;
}

/** What the verify command does: open for reading, check the events, check the file. */
export const judge = async (path: string): Promise<Verdict> => {
  const opened = await openSqliteLog({ path, mode: 'read', now: testClock() })();
  if (E.isLeft(opened))
    return { opened: false, ledger: undefined, storageOk: false, storage: JSON.stringify(opened.left) };
  const log = opened.right;
  const ledger = await verify(log);
  const storage = await log.checkStorage();
  await log.close();
  const said = storage.checks.filter((check) => !check.ok).map((check) => check.message);
  return { opened: true, ledger, storageOk: storage.ok, storage: said.join('\n') };
};
