import { spawnSync } from 'node:child_process';

/** A Python with PyTorch: TRIPOST_PYTHON, or python3. Undefined where it has none. */
export const findTorch = (): { readonly python: string; readonly version: string } | undefined => {
  const python = process.env['TRIPOST_PYTHON'] ?? 'python3';
  const { status, stdout } = spawnSync(python, ['-c', 'import torch; print(torch.__version__)'], { encoding: 'utf8' });
  return status === 0 ? { python, version: stdout.trim() } : undefined;
};
