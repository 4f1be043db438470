#!/usr/bin/env python3
"""Writes torch_made.pt, the state dict of a MADE of 6 bits in PyTorch, and torch_made.json with its log-probabilities.

Run in this folder with torch and numpy. Hidden unit k of 5 has the degree 1 + floor(5 k / 5), as in gibbs-autoregressive.
"""
import itertools
import json

import torch

torch.manual_seed(0)
net = torch.nn.Sequential(torch.nn.Linear(6, 5), torch.nn.ReLU(), torch.nn.Linear(5, 6))
torch.save(net.state_dict(), "torch_made.pt")

degree = 1 + torch.arange(5) * 5 // 5
variable = torch.arange(1, 7)
first, last = net[0], net[2]
x = torch.tensor(list(itertools.product([0.0, 1.0], repeat=6)))
with torch.no_grad():
    hidden = torch.relu(x @ (first.weight * (variable <= degree[:, None])).T + first.bias)
    logits = hidden @ (last.weight * (degree < variable[:, None])).T + last.bias
    log_prob = (x * logits - torch.nn.functional.softplus(logits)).sum(1)
assert abs(log_prob.exp().sum() - 1) < 1e-5
json.dump({"log_prob": log_prob.tolist()}, open("torch_made.json", "w"))
