import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import wabt from 'wabt';

// Assembles src/train/vectorKernel.wat into the constant of src/train/vectorKernel.ts: `npm run kernel`.

const root = join(__dirname, '..', '..');

export const assemble = async (text: string): Promise<string> => {
  const assembler = await wabt();
  const { buffer } = assembler.parseWat('vectorKernel.wat', text, { simd: true }).toBinary({});
  return Buffer.from(buffer).toString('base64');
};

const main = async (): Promise<void> => {
  const target = join(root, 'src', 'train', 'vectorKernel.ts');
  const base64 = await assemble(readFileSync(join(root, 'src', 'train', 'vectorKernel.wat'), 'utf8'));
  writeFileSync(target, readFileSync(target, 'utf8').replace(/(const assembled =\s+)'[^']*'/, `$1'${base64}'`));
};

if (require.main === module) void main();
