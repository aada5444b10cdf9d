"""The PyTorch side of `npm run bench -- train`: the same decoder, batch, loss, clipping and AdamW as ours, in eager mode.

Reads one JSON line {shape, batch, length, threads}, then a number of steps a line; answers each with the seconds of
every step as JSON. Ends with its input.
"""
import json
import resource
import sys
import time

import torch
import torch.nn.functional as F


def rope(length, dim, theta):
    half = dim // 2
    angle = torch.arange(length)[:, None] / theta ** (torch.arange(half)[None, :] / half)
    angle = torch.cat([angle, angle], dim=1)
    return angle.cos(), angle.sin()


def rotate(x, cos, sin):
    half = x.shape[-1] // 2
    return x * cos + torch.cat([-x[..., half:], x[..., :half]], dim=-1) * sin


class Layer(torch.nn.Module):
    def __init__(self, s):
        super().__init__()
        d, f, hd = s["hiddenSize"], s["intermediateSize"], s["headDim"]
        self.s = s
        self.n1, self.n2 = torch.nn.RMSNorm(d, eps=s["rmsNormEps"]), torch.nn.RMSNorm(d, eps=s["rmsNormEps"])
        lin = lambda i, o: torch.nn.Linear(i, o, bias=False)
        self.q, self.k, self.v = lin(d, s["heads"] * hd), lin(d, s["kvHeads"] * hd), lin(d, s["kvHeads"] * hd)
        self.o = lin(s["heads"] * hd, d)
        self.gate, self.up, self.down = lin(d, f), lin(d, f), lin(f, d)

    def heads(self, x, cos, sin):
        b, t, _ = x.shape
        h = self.n1(x)
        split = lambda y: y.view(b, t, -1, self.s["headDim"]).transpose(1, 2)
        return rotate(split(self.q(h)), cos, sin), rotate(split(self.k(h)), cos, sin), split(self.v(h))

    def after(self, x, q, k, v, **mask):
        b, t, _ = x.shape
        gqa = self.s["heads"] != self.s["kvHeads"]
        y = F.scaled_dot_product_attention(q, k, v, enable_gqa=gqa, **mask)
        x = x + self.o(y.transpose(1, 2).reshape(b, t, -1))
        h = self.n2(x)
        return x + self.down(F.silu(self.gate(h)) * self.up(h))

    def forward(self, x, cos, sin):
        return self.after(x, *self.heads(x, cos, sin), is_causal=True)


class Model(torch.nn.Module):
    def __init__(self, s, length):
        super().__init__()
        self.embed = torch.nn.Embedding(s["vocabSize"], s["hiddenSize"])
        self.layers = torch.nn.ModuleList([Layer(s) for _ in range(s["layers"])])
        self.norm = torch.nn.RMSNorm(s["hiddenSize"], eps=s["rmsNormEps"])
        self.head = torch.nn.Linear(s["hiddenSize"], s["vocabSize"], bias=False)
        if s["tiedEmbeddings"]:
            self.head.weight = self.embed.weight
        cos, sin = rope(length, s["headDim"], s["ropeTheta"])
        self.register_buffer("cos", cos)
        self.register_buffer("sin", sin)
        for p in self.parameters():
            if p.dim() == 2:
                torch.nn.init.normal_(p, std=0.02)

    def forward(self, ids):
        x = self.embed(ids)
        for layer in self.layers:
            x = layer(x, self.cos, self.sin)
        return self.head(self.norm(x))


def main():
    request = json.loads(sys.stdin.readline())
    s, batch, length = request["shape"], request["batch"], request["length"]
    torch.set_num_threads(request["threads"])
    torch.manual_seed(1)
    model = Model(s, length)
    decay = [p for p in model.parameters() if p.dim() == 2]
    keep = [p for p in model.parameters() if p.dim() != 2]
    groups = [{"params": decay, "weight_decay": 0.01}, {"params": keep, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=1e-4, fused=request.get("fused", True))
    run = torch.compile(model) if request.get("compile") else model
    ids = torch.randint(0, s["vocabSize"], (batch, length))
    targets = torch.randint(0, s["vocabSize"], (batch * length,))
    weight = torch.ones(batch * length)

    def step():
        logits = run(ids).view(batch * length, -1)
        nll = F.cross_entropy(logits, targets, reduction="none")
        loss = (nll * weight).sum() / weight.sum()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return loss.item()

    print(json.dumps({"torch": torch.__version__, "parameters": sum(p.numel() for p in model.parameters())}), flush=True)
    for line in sys.stdin:
        times = []
        for _ in range(int(line)):
            start = time.perf_counter()
            step()
            times.append(time.perf_counter() - start)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(json.dumps({"seconds": times, "peakBytes": peak}), flush=True)


if __name__ == "__main__":
    main()
