import { cudaKernelSource, partitionOf, type CpuNode, type Partition } from '../../onnx/cudaKernels';
import type { Graph } from '../../onnx/graph';
import { note, ok, type Check } from '../doctorCheck';
import { some } from '../explain/explained';
import { cardText, type TriedCuda } from './device';
import { namesOf, type Library } from './libraries';
import { fixText, type CudaReport } from './report';

/** Where the graphs of a training and of a decoding would run. `doctor --json` prints it. */
export interface GraphPlaces {
  /** Nodes, Loop bodies included. */
  readonly training: number;
  readonly decoding: number;
  /** Nodes without a CUDA kernel: the runtime puts them on the CPU. */
  readonly onCpu: readonly CpuNode[];
  /** What deterministic kernels leave open, by operator. */
  readonly open: Readonly<Record<string, string>>;
}

export const graphPlaces = ({
  training,
  decoding,
}: {
  readonly training: readonly Graph[];
  readonly decoding: readonly Graph[];
}): GraphPlaces => {
  const [trained, decoded] = [training.map(partitionOf), decoding.map(partitionOf)];
  const nodes = (parts: readonly Partition[]): number => parts.reduce((sum, part) => sum + part.nodes, 0);
  const parts = [...trained, ...decoded];
  return {
    training: nodes(trained),
    decoding: nodes(decoded),
    onCpu: parts.flatMap(({ onCpu }) => onCpu),
    open: Object.fromEntries(parts.flatMap(({ cautions }) => [...cautions])),
  };
};

const nodeText = ({ name, op, dtype }: CpuNode): string => `${op} of ${dtype} (${name})`;

const graphs = ({ training, decoding, onCpu, open }: GraphPlaces): Check => {
  const name = 'cuda graphs';
  const counted = `${training} nodes of training and ${decoding} of decoding a tiny model`;
  const left = Object.entries(open).map(([op, what]) => `${op} leaves open ${what}`);
  const source = `by the list of ${cudaKernelSource.runtime}`;
  if (onCpu.length === 0) return ok(name, [`all ${counted} have a CUDA kernel, ${source}`, ...left].join('; '));
  const named = some(onCpu.map(nodeText), 5).join(', ');
  return note(
    name,
    [`of ${counted}, ${onCpu.length} would run on the CPU, ${source}: ${named}`, ...left].join('; '),
    null,
  );
};

const files = ({ provider: { folder, files: wanted } }: CudaReport): Check => {
  const lines = wanted.map(({ name, present }) => `${name} ${present ? 'is there' : 'is missing'}`);
  const make = wanted.every(({ present }) => present) ? ok : (name: string, detail: string) => note(name, detail, null);
  return make('cuda provider', `${lines.join(', ')} (${folder})`);
};

const foundText = ({ name, version, path, state }: Library): string =>
  `${name}${version === null ? '' : ` = ${version}`}${state === 'elsewhere' ? ` (${path ?? ''}, where the loader does not look)` : ''}`;

const libraries = ({ libraries: all, wanted: { cuda, cudnn, source } }: CudaReport): Check => {
  const why = source === 'provider' ? 'as the provider links them' : 'as documented';
  const there = all.filter(({ state }) => state !== 'missing');
  const missing = all.filter(({ state }) => state === 'missing');
  const others = [...new Set(missing.flatMap((library) => library.others))];
  const detail = [
    `wanted: CUDA ${cuda} and cuDNN ${cudnn}, ${why}`,
    ...(there.length > 0 ? [`found: ${there.map(foundText).join(', ')}`] : []),
    ...(missing.length > 0 ? [`missing: ${namesOf(missing).join(', ')}`] : []),
    ...(others.length > 0 ? [`of other majors: ${others.join(', ')}`] : []),
  ].join('; ');
  return all.every(({ state }) => state === 'found')
    ? ok('cuda libraries', detail)
    : note('cuda libraries', detail, null);
};

const driver = ({ driver: { version, gpu, oldest } }: CudaReport): Check => {
  const name = 'cuda driver';
  if (version === null)
    return note(
      name,
      `none: nvidia-smi and /proc/driver/nvidia/version say nothing (wanted: ${oldest} or newer)`,
      null,
    );
  const detail = `NVIDIA ${version}, ${gpu ?? 'no card'} (wanted: ${oldest} or newer)`;
  return gpu === null || Number(version.split('.')[0]) < oldest ? note(name, detail, null) : ok(name, detail);
};

/** What doctor says of CUDA. It is never needed: nothing here fails. */
export const cudaChecks = ({ report, reasons }: TriedCuda, places: GraphPlaces): readonly Check[] => {
  const provider =
    reasons.length === 0
      ? ok('provider cuda', `it computes, in float32, on ${cardText(report)}`)
      : note('provider cuda', reasons.join('; '), fixText(report));
  const found = report.supported ? [files(report), libraries(report), driver(report)] : [];
  return [provider, ...found, graphs(places)];
};
