import { canonicalJson, sha256 } from '../../events/digest';
import { byText } from '../../projections/projection';
import { card } from './card';
import type { ExportFormat, ExportInput, Files, Loss } from './exportFormat';
import { lossesOf } from './losses';
import { provenanceFile, provenanceOf } from './provenanceFile';

/** An export as a folder: data, card and provenance, and what the format does not hold. */
export interface Exported {
  readonly files: Files;
  /** SHA-256 by path, in the order of the paths; provenance.json holds those of the others. */
  readonly digests: Readonly<Record<string, string>>;
  readonly losses: readonly Loss[];
}

/** Writes a dataset in a format. The same input gives the same bytes. */
export const exportDataset = async (format: ExportFormat, input: ExportInput): Promise<Exported> => {
  const encoder = new TextEncoder();
  const losses = lossesOf(format, input);
  const files: Files = new Map(await format.write(input)).set('README.md', encoder.encode(card(format, input, losses)));
  const digestsOf = (): Record<string, string> =>
    Object.fromEntries([...files].sort(([a], [b]) => byText(a, b)).map(([path, bytes]) => [path, sha256(bytes)]));
  const provenance = { ...provenanceOf(format.name, input), files: digestsOf(), losses };
  files.set(provenanceFile, encoder.encode(`${canonicalJson(provenance)}\n`));
  return { files, digests: digestsOf(), losses };
};
