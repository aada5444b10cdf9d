import { openMemoryLog } from '../../src/adapters/memory/eventLog';
import { eventLogContract } from '../contracts/eventLog.contract';
import { testClock } from '../support/events';

eventLogContract('memory', async () => openMemoryLog({ now: testClock() }));
