"""Writes optimizers.json: steps of PyTorch's optimisers on given gradients. Run by generate.sh.

Results per case: parameters after each step, and targets that follow them. The learning rate of each
step comes from PyTorch's own scheduler; beyond the cosine's end it stays at 0.
"""

from cases import *

MEMBERS, COUNT, STEPS, RATE, TAU = 2, 7, 6, 0.03, 0.05


def case(seed, optimizer, clip=None, schedule=None, scale=1.0):
    random = Random(seed)
    start = random.uniform(-1, 1, MEMBERS, COUNT)
    gradients = single(scale * random.normal(STEPS, MEMBERS, COUNT))
    parameters = start.clone().requires_grad_(True)
    targets = random.uniform(-1, 1, MEMBERS, COUNT)
    step = optimizer([parameters])
    scheduler = schedule(step) if schedule else None
    result = {"start": start, "startTargets": targets, "gradients": gradients}
    after, followed = [], []
    for index in range(STEPS):
        parameters.grad = gradients[index].clone()
        if clip:
            norm = torch.nn.utils.clip_grad_norm_([parameters], clip)
            assert (norm > clip) == (scale >= 1)
        step.step()
        if scheduler:
            scheduler.step()
        targets = (1 - TAU) * targets + TAU * parameters.detach()
        after.append(parameters.detach().clone())
        followed.append(targets)
    return {**result, "parameters": after, "targets": followed}


def adam(parameters, **options):
    return torch.optim.Adam(parameters, lr=RATE, **options)


def cosine(optimizer):
    ends = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda i: 0.5 * (1 + math.cos(math.pi * min(i, 4) / 4)))
    known = torch.optim.Adam([torch.zeros(1, requires_grad=True)], lr=RATE)
    reference = torch.optim.lr_scheduler.CosineAnnealingLR(known, T_max=4)
    for i in range(4):
        assert math.isclose(reference.get_last_lr()[0], RATE * ends.lr_lambdas[0](i))
        known.step()
        reference.step()
    return ends


def warm_up(optimizer):
    return torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=1 / 3, total_iters=2)


write("optimizers", {
    "adam": case(1, adam),
    "betas": case(2, lambda p: adam(p, betas=(0.5, 0.9), eps=1e-3)),
    "coupled": case(3, lambda p: adam(p, weight_decay=0.3)),
    "decoupled": case(4, lambda p: torch.optim.AdamW(p, lr=RATE, weight_decay=0.3)),
    "clipped": case(5, lambda p: adam(p, eps=1e-2), clip=0.5),
    "notClipped": case(6, lambda p: adam(p, eps=1e-2), clip=0.5, scale=0.03),
    "clippedAndCoupled": case(7, lambda p: adam(p, eps=1e-2, weight_decay=0.3), clip=0.5),
    "cosine": case(8, adam, schedule=cosine),
    "warmUp": case(9, adam, schedule=warm_up),
    "clippedDecoupledCosine": case(
        10, lambda p: torch.optim.AdamW(p, lr=RATE, eps=1e-2, weight_decay=0.3), clip=0.5,
        schedule=cosine),
})
