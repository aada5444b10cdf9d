import { initialLora, loraParameters, type Lora } from '../../src/train/lora';
import { adapterFiles } from '../../src/train/peft';
import { readSafetensors } from '../../src/train/safetensors';
import { must, the } from '../support/events';
import { smallShape } from '../support/training';

const lora: Lora = { rank: 2, alpha: 5, targets: ['v_proj', 'down_proj'] };
const factors = initialLora(smallShape, lora, 1);

describe('the files of an adapter', () => {
  it("are PEFT's: a config, and factors under its names", () => {
    const files = adapterFiles(smallShape, lora, factors);
    expect([...files.keys()]).toEqual(['adapter/adapter_config.json', 'adapter/adapter_model.safetensors']);
    const config: unknown = JSON.parse(new TextDecoder().decode(the(files.get('adapter/adapter_config.json'))));
    expect(config).toMatchObject({
      peft_type: 'LORA',
      task_type: 'CAUSAL_LM',
      r: 2,
      lora_alpha: 5,
      target_modules: ['down_proj', 'v_proj'],
    });
    const { tensors } = must(readSafetensors(the(files.get('adapter/adapter_model.safetensors'))));
    const wanted = loraParameters(smallShape, lora);
    expect([...tensors.keys()].sort()).toEqual(wanted.map(({ name }) => `base_model.model.${name}`).sort());
    for (const { name, dims } of wanted) {
      const tensor = the(tensors.get(`base_model.model.${name}`));
      expect(tensor.dims).toEqual(dims);
      expect(tensor.data).toEqual(factors.get(name));
    }
  });

  it('are the same bytes again, and need every factor', () => {
    expect(adapterFiles(smallShape, lora, factors)).toEqual(adapterFiles(smallShape, lora, new Map(factors)));
    const name = 'model.layers.0.self_attn.v_proj.lora_B.weight';
    const some = new Map(factors);
    some.delete(name);
    expect(() => adapterFiles(smallShape, lora, some)).toThrow(`expected ${name}, got none`);
  });
});
