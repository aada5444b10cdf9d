import { tensorRuntimeContract } from '../contracts/tensorRuntime.contract';
import { referenceRuntime } from '../support/referenceRuntime';

tensorRuntimeContract('reference', () => referenceRuntime);
