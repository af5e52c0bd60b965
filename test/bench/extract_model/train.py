"""The weights of src/contact/form_weights.def: a multinomial logistic regression over form_features.def, by the labelled forms of one half of the
domains and forms of our own.

Features are there or not. Weights are held small (L2), so that a feature that few forms have says little. Nothing here is random: the same forms give the
same weights.
"""
import math

KINDS = ["contact", "search", "login", "registration", "recovery", "newsletter", "order", "other"]
PENALTY = 1.0
ROUNDS = 400


def train(samples, features, penalty=PENALTY, rounds=ROUNDS):
    """samples: (set of features, kind, how much it counts); Returns {feature: [weight of each kind]}. Gradient descent with momentum over all at once."""
    index = {name: i for i, name in enumerate(features)}
    rows = [([index[f] for f in has], KINDS.index(kind), counts) for has, kind, counts in samples]
    count = len(KINDS)
    weights = [[0.0] * count for _ in features]
    speed = [[0.0] * count for _ in features]
    step = 2.0 / sum(counts for _, _, counts in rows)
    for _ in range(rounds):
        gradient = [[penalty * w for w in row] for row in weights]
        for has, kind, counts in rows:
            sums = [sum(weights[f][k] for f in has) for k in range(count)]
            top = max(sums)
            powers = [math.exp(s - top) for s in sums]
            total = sum(powers)
            for k in range(count):
                error = counts * (powers[k] / total - (k == kind))
                for f in has:
                    gradient[f][k] += error
        for f, row in enumerate(weights):
            for k in range(count):
                speed[f][k] = 0.9 * speed[f][k] - step * 0.2 * gradient[f][k]
                row[k] += speed[f][k]
    return {name: weights[i] for i, name in enumerate(features)}


def judge(weights, has):
    sums = [sum(weights[f][k] for f in has) for k in range(len(KINDS))]
    return KINDS[sums.index(max(sums))]


def f1(pairs):
    """pairs: (is one, was taken for one)."""
    right = sum(1 for is_one, taken in pairs if is_one and taken)
    wrong = sum(1 for is_one, taken in pairs if not is_one and taken)
    missed = sum(1 for is_one, taken in pairs if is_one and not taken)
    precision = right / (right + wrong) if right + wrong else 0.0
    recall = right / (right + missed) if right + missed else 0.0
    return precision, recall, 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def write(weights, path, source):
    lines = [
        "/*",
        " * What each feature of a form (form_features.def) says for each kind, in thousandths of a natural logarithm:",
        " * WEIGHT(feature, contact or comment, search, login, registration, recovery, newsletter, order, other).",
        f" * Made by `test/bench/extract.py --train` from {source[0]}"] + [f" * {line}" for line in source[1:-1]] + [
        f" * {source[-1]}.",
        " */"]
    for name, row in weights.items():
        lines.append(f"WEIGHT({name}, " + ", ".join(str(round(w * 1000)) for w in row) + ")")
    path.write_text("\n".join(lines) + "\n")
