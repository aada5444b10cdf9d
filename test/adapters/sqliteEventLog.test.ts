import { join } from 'node:path';
import { eventLogContract } from '../contracts/eventLog.contract';
import { twoHandlesContract } from '../contracts/twoHandles.contract';
import { newFolder, openLedger, removeFolders } from '../support/ledgerFile';

afterAll(removeFolders);

eventLogContract('sqlite', () => openLedger(join(newFolder(), 'ledger.db')));

twoHandlesContract('sqlite', async () => {
  const path = join(newFolder(), 'ledger.db');
  return [await openLedger(path), await openLedger(path)];
});
