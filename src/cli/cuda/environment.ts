import type { Environment } from '../../../events/codecs';
import { cudaDeterminism } from '../../adapters/onnxruntime/cudaDeterminism';
import type { CudaReport } from './report';

/** What a receipt says of numbers that CUDA made: card, driver, libraries and the settings for repeatable numbers. */
export const cudaEnvironment = ({ driver, libraries }: CudaReport): NonNullable<Environment['cuda']> => ({
  gpu: driver.gpu ?? 'unknown',
  driver: driver.version ?? 'unknown',
  libraries: Object.fromEntries(
    libraries.flatMap(({ name, version, state }) => (state === 'found' ? [[name, version ?? 'unknown']] : [])),
  ),
  determinism: cudaDeterminism,
});
