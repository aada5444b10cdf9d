import { join } from 'node:path';
import { eventLogContract } from '../contracts/eventLog.contract';
import { newFolder, openLedger, removeFolders } from '../support/ledgerFile';

afterAll(removeFolders);

eventLogContract('sqlite', () => openLedger(join(newFolder(), 'ledger.db')));
