import type { Json } from '../../../events/digest';

/** How a server of the OpenAI API is spoken to. */
export interface OpenAiSettings {
  /**
   * With its version part, as `http://127.0.0.1:8000/v1`. A query goes with every request; one with `api-version` makes it
   * an Azure-style server: `https://<name>.openai.azure.com/openai/deployments/<deployment>?api-version=2024-10-21`.
   */
  readonly baseUrl: string;
  /** Null: none is sent, as local servers like it. */
  readonly apiKey: string | null;
  readonly organization?: string | null;
  readonly project?: string | null;
  readonly model: string;
  /** `auto`: conversations to /chat/completions, texts to /completions. `chat`: a text is sent as one user message. */
  readonly api: 'auto' | 'chat' | 'completions';
  /** From the first byte sent to the last byte received. */
  readonly timeoutMs: number;
  /** How the limit of a chat completion is called; newer models of OpenAI's know only the long name. */
  readonly maxTokensField: 'max_tokens' | 'max_completion_tokens';
  /** Whether a seed goes along, drawn from the request's key. Servers honour it as far as they can. */
  readonly sendSeed: boolean;
  /** Fields put into every body as they are, over our own. */
  readonly extraBody: Readonly<Record<string, Json>>;
}

export const openAiBaseUrl = 'https://api.openai.com/v1';

/** Settings for a server and a model, with what is usual for that server. */
export const defaultSettings = (
  server: Pick<OpenAiSettings, 'baseUrl' | 'apiKey' | 'model'> & Partial<OpenAiSettings>,
): OpenAiSettings => ({
  api: 'auto',
  timeoutMs: 120_000,
  maxTokensField: server.baseUrl.startsWith('https://api.openai.com/') ? 'max_completion_tokens' : 'max_tokens',
  sendSeed: true,
  extraBody: {},
  ...server,
});
