import * as E from 'fp-ts/Either';
import { Environment } from '../../events/codecs';
import { canonicalJson, digestOf } from '../../events/digest';
import { definitionOf } from '../../events/index';
import { examples } from '../support/examples';

const cpu = {
  node: 'v20.20.2',
  platform: 'linux',
  arch: 'x64',
  cpu: 'any',
  provider: 'cpu',
  packages: { 'onnxruntime-node': '1.30.0' },
};
const cuda = {
  gpu: 'NVIDIA H100 80GB HBM3',
  driver: '550.54.15',
  libraries: { 'libcudart.so.12': '12.4.127' },
  determinism: 'session.use_deterministic_compute=1, NVIDIA_TF32_OVERRIDE=0',
};

describe('Environment', () => {
  it('on the CPU is what it was before CUDA was told of: the same bytes and digests', () => {
    const decoded = Environment.decode(cpu);
    expect(E.isRight(decoded) && canonicalJson(decoded.right)).toBe(canonicalJson(cpu));
    expect(E.isRight(decoded) && digestOf(decoded.right)).toBe(digestOf(cpu));
    expect(E.isRight(decoded) && Object.keys(decoded.right)).not.toContain('cuda');
  });

  it('on CUDA says card, driver, libraries and settings; without them it is another environment', () => {
    const full = { ...cpu, provider: 'cuda', cuda };
    expect(Environment.decode(full)).toEqual(E.right(full));
    expect(digestOf(full)).not.toBe(digestOf({ ...full, cuda: { ...cuda, gpu: 'Tesla T4' } }));
  });

  it('leaves out unknown fields, inside as well, and refuses what is incomplete', () => {
    const spoiled = { ...cpu, more: 1, cuda: { ...cuda, more: 1 } };
    expect(Environment.decode(spoiled)).toEqual(E.right({ ...cpu, cuda }));
    expect(E.isLeft(Environment.decode({ ...cpu, cuda: { gpu: 'x' } }))).toBe(true);
    const { cpu: _, ...without } = cpu;
    expect(E.isLeft(Environment.decode(without))).toBe(true);
  });

  it('stays in the events that carry it', () => {
    const { create, stream } = definitionOf('TrainingStarted');
    const started = { ...examples.TrainingStarted, environment: { ...cpu, provider: 'cuda', cuda } };
    expect(create(started).data).toMatchObject({ environment: { provider: 'cuda', cuda } });
    expect(stream(started)).toBe(stream(examples.TrainingStarted));
  });
});
