import { join } from 'node:path';
import { openSqliteMirror } from '../../src/adapters/sqlite/mirror';
import { mirroredLog, type MirroredOptions } from '../../src/ledger/mirroredLog';
import type { EventLog } from '../../src/ports/eventLog';
import type { Mirror } from '../../src/ports/mirror';
import { must } from './events';
import { newFolder } from './ledgerFile';

export const openMirror = async (path = join(newFolder(), 'a.mirror.db')): Promise<Mirror> =>
  must(await openSqliteMirror({ path, of: 'the source' })());

/** A log that is read from a mirror in a folder of its own. */
export const mirrored = async (source: EventLog, options?: MirroredOptions): Promise<EventLog> =>
  mirroredLog(source, await openMirror(), options);
