import { loraParameters, type Lora } from './lora';
import type { ModelShape, Weights } from './modelShape';
import { writeSafetensors } from './safetensors';

/** Where an adapter lies in the folder of the model that it was merged into: apart, or a reader would add it twice. */
export const adapterFolder = 'adapter';

/** An adapter's files in the layout of PEFT, deterministic bytes: `PeftModel.from_pretrained(base, folder)` loads them. */
export const adapterFiles = (shape: ModelShape, lora: Lora, factors: Weights): ReadonlyMap<string, Uint8Array> => {
  const config = {
    base_model_name_or_path: null,
    bias: 'none',
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    lora_alpha: lora.alpha,
    lora_dropout: 0,
    peft_type: 'LORA',
    r: lora.rank,
    target_modules: [...lora.targets].sort(),
    task_type: 'CAUSAL_LM',
    use_dora: false,
    use_rslora: false,
  };
  const tensors = loraParameters(shape, lora).map(({ name, dims }) => {
    const data = factors.get(name);
    if (data === undefined) throw new TypeError(`adapterFiles: factors: expected ${name}, got none`);
    return { name: `base_model.model.${name}`, dims, data };
  });
  return new Map([
    [`${adapterFolder}/adapter_config.json`, new TextEncoder().encode(`${JSON.stringify(config, null, 2)}\n`)],
    [`${adapterFolder}/adapter_model.safetensors`, writeSafetensors(tensors, { format: 'pt' })],
  ]);
};
