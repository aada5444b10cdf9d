"""The PyTorch side of `node dist/bench/generate.js`: the decoder of torchTrain.py with a key-value cache, in eager mode.

Reads one JSON line {shape, threads, prompts, newTokens, cache}; `prompts` are lists of token ids. Then a line a round:
the number of rows to decode at once, which are the first so many prompts, padded on the left. Answers each with
{"seconds", "tokens"} as JSON. `cache` is `static` (written in place; the keys read are a view) or `growing` (torch.cat).
Ends with its input.
"""
import json
import sys
import time

import torch

from torchTrain import Model, rope


class StaticCache:
    """Keys and values of one layer, at their full length from the start; what is filled is read as a view."""

    def __init__(self, s, batch, length):
        self.k = torch.zeros(batch, s["kvHeads"], length, s["headDim"])
        self.v = torch.zeros(batch, s["kvHeads"], length, s["headDim"])

    def add(self, start, k, v):
        end = start + k.shape[2]
        self.k[:, :, start:end], self.v[:, :, start:end] = k, v
        return self.k[:, :, :end], self.v[:, :, :end]


class GrowingCache:
    def __init__(self, s, batch, length):
        self.k = torch.zeros(batch, s["kvHeads"], 0, s["headDim"])
        self.v = torch.zeros(batch, s["kvHeads"], 0, s["headDim"])

    def add(self, start, k, v):
        self.k, self.v = torch.cat([self.k, k], dim=2), torch.cat([self.v, v], dim=2)
        return self.k, self.v


def attend(layer, x, cos, sin, mask, cache, start):
    q, k, v = layer.heads(x, cos, sin)
    return layer.after(x, q, *cache.add(start, k, v), attn_mask=mask)


def generate(model, s, prompts, new_tokens, make_cache, tables):
    batch, longest = len(prompts), max(map(len, prompts))
    total = longest + new_tokens
    pads = torch.tensor([longest - len(p) for p in prompts])
    ids = torch.tensor([[0] * (longest - len(p)) + p for p in prompts])
    slots = torch.arange(total)
    seen = torch.where(slots[None, :] >= pads[:, None], 0.0, float("-inf"))[:, None, None, :]
    causal = torch.where(slots[None, :longest] <= slots[:longest, None], 0.0, float("-inf"))
    # A padded query sees itself, so that its softmax is defined; nobody reads it.
    first = (seen[..., :longest] + causal).masked_fill(torch.eye(longest, dtype=torch.bool), 0.0)
    caches = [make_cache(s, batch, total) for _ in model.layers]
    cos, sin = tables

    def forward(tokens, positions, mask, start):
        x = model.embed(tokens)
        c, n = cos[positions][:, None], sin[positions][:, None]
        for layer, cache in zip(model.layers, caches):
            x = attend(layer, x, c, n, mask, cache, start)
        return model.head(model.norm(x[:, -1]))

    logits = forward(ids, (slots[None, :longest] - pads[:, None]).clamp(min=0), first, 0)
    made = []
    for step in range(new_tokens):
        made.append(torch.multinomial(torch.softmax(logits, dim=-1), 1))
        if step == new_tokens - 1:
            break
        at = longest + step
        logits = forward(made[-1], at - pads[:, None], seen[..., : at + 1], at)
    return torch.cat(made, dim=1).tolist()


def main():
    request = json.loads(sys.stdin.readline())
    s = request["shape"]
    torch.set_num_threads(request["threads"])
    torch.manual_seed(1)
    with torch.inference_mode():
        model = Model(s, 1).eval()
        tables = rope(s["maxPositions"], s["headDim"], s["ropeTheta"])
        print(json.dumps({"torch": torch.__version__, "python": sys.version.split()[0]}), flush=True)
        make_cache = {"static": StaticCache, "growing": GrowingCache}[request["cache"]]
        for line in sys.stdin:
            prompts = request["prompts"][: int(line)]
            start = time.perf_counter()
            rows = generate(model, s, prompts, request["newTokens"], make_cache, tables)
            print(json.dumps({"seconds": time.perf_counter() - start, "tokens": sum(map(len, rows))}), flush=True)


main()
