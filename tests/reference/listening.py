"""What SciPy says of the statistics of listening tests: `python listening.py > listening.json`.

d' is found here by root finding on the equations of Macmillan & Creelman (2005), independently of
the program; the psychometric functions by scipy.optimize on the likelihood.
"""

import itertools
import json

import numpy as np
from scipy import optimize, stats


def rates(hits, signal, false_alarms, noise):
    return (hits + 0.5) / (signal + 1), (false_alarms + 0.5) / (noise + 1)


def unbiased(h, f):
    return stats.norm.cdf((stats.norm.ppf(h) - stats.norm.ppf(f)) / 2)


def root(function, wanted):
    return optimize.brentq(lambda d: function(d) - wanted, 0, 20, xtol=1e-14, rtol=1e-14)


def abx(h, f, second):
    p = unbiased(h, f)
    if p <= 0.5:
        return 0.0
    cdf, first = stats.norm.cdf, np.sqrt(2)
    return root(lambda d: cdf(d / first) * cdf(d / second) + cdf(-d / first) * cdf(-d / second), p)


def same_different(h, f):
    if h <= f:
        return [0.0, 0.0]
    independent = 2 * stats.norm.ppf((1 + np.sqrt(2 * unbiased(h, f) - 1)) / 2)
    k = -np.sqrt(2) * stats.norm.ppf(f / 2)
    cdf = stats.norm.cdf
    differencing = root(
        lambda d: cdf((d - k) / np.sqrt(2)) + cdf((-d - k) / np.sqrt(2)), h
    )
    return [independent, differencing]


def detection():
    cases = []
    for counts in [(12, 16, 3, 16), (8, 8, 0, 8), (7, 8, 5, 8), (30, 40, 11, 39), (3, 8, 4, 8)]:
        h, f = rates(*counts)
        z = stats.norm.ppf
        cases.append(
            {
                "counts": counts,
                "bias": -(z(h) + z(f)) / 2,
                "two_afc": max(0.0, (z(h) - z(f)) / np.sqrt(2)),
                "abx": [abx(h, f, 2), abx(h, f, np.sqrt(6))],
                "same_different": same_different(h, f),
            }
        )
    return cases


def binomial():
    cases = []
    for trials in [1, 5, 10, 16, 25, 100, 1000]:
        for right in sorted({0, trials // 3, trials // 2, (3 * trials) // 4, trials}):
            interval = stats.binomtest(right, trials).proportion_ci(0.95, method="exact")
            cases.append(
                {
                    "right": right,
                    "trials": trials,
                    "p": stats.binomtest(right, trials, 0.5, alternative="greater").pvalue,
                    "interval": [interval.low, interval.high],
                }
            )
    return cases


def power():
    cases = []
    for trials, rate in itertools.product([5, 10, 16, 30, 100], [0.6, 0.7, 0.8, 0.9]):
        critical = next(k for k in range(trials + 1) if stats.binom.sf(k - 1, trials, 0.5) <= 0.05)
        cases.append(
            {
                "trials": trials,
                "rate": rate,
                "critical": critical,
                "power": stats.binom.sf(critical - 1, trials, rate),
            }
        )
    return cases


def likelihood(parameters, levels):
    threshold, log_slope, lapse = parameters
    heard = 1 / (1 + np.exp(np.exp(log_slope) * (levels[:, 0] - threshold)))
    p = np.clip(0.5 + (0.5 - lapse) * heard, 1e-12, 1 - 1e-12)
    return -np.sum(levels[:, 1] * np.log(p) + (levels[:, 2] - levels[:, 1]) * np.log1p(-p))


def credible(levels, points=(1500, 60, 15)):
    """The shortest interval with 95 % of the posterior of the threshold, flat priors, on a grid that
    is finer than the program's and not refined."""
    snrs, right, trials = levels.T
    centres = lambda low, high, n: low + (high - low) * (np.arange(n) + 0.5) / n
    thresholds = centres(snrs.min() - 20, snrs.max() + 20, points[0])
    logs = centres(np.log(0.1), np.log(10), points[1])
    lapses = centres(0, 0.06, points[2])
    t, s, l = np.meshgrid(thresholds, np.exp(logs), lapses, indexing="ij", sparse=True)
    total = np.zeros(points)
    for snr, r, n in zip(snrs, right, trials):
        p = 0.5 + (0.5 - l) / (1 + np.exp(np.clip(s * (snr - t), -700, 700)))
        total += r * np.log(p) + (n - r) * np.log1p(-p)
    posterior = np.exp(total - total.max()).sum(axis=(1, 2))
    below = np.concatenate([[0], np.cumsum(posterior / posterior.sum())])
    edges = np.concatenate([thresholds, [2 * thresholds[-1] - thresholds[-2]]])
    edges -= 0.5 * (thresholds[1] - thresholds[0])
    quantile = lambda q: np.interp(q, below, edges)
    tails = np.linspace(0, 0.05, 2001)[1:-1]
    low, high = quantile(tails), quantile(tails + 0.95)
    best = np.argmin(high - low)
    return [float(low[best]), float(high[best])]


def psychometric():
    cases = []
    random = np.random.default_rng(1)
    for threshold, slope, lapse, trials in [(30, 0.4, 0.02, 40), (42, 0.6, 0.01, 60), (25, 0.2, 0.05, 100)]:
        snrs = np.arange(10, 61, 5.0)
        right = random.binomial(
            trials, 0.5 + (0.5 - lapse) / (1 + np.exp(slope * (snrs - threshold)))
        )
        levels = np.column_stack([snrs, right, np.full_like(snrs, trials)])
        bounds = [(-10, 80), (np.log(0.05), np.log(10)), (0, 0.06)]
        best = min(
            (
                optimize.minimize(
                    likelihood, start, args=(levels,), bounds=bounds, method="L-BFGS-B",
                    options={"ftol": 1e-15, "gtol": 1e-10},
                )
                for start in itertools.product([20, 30, 40, 50], np.log([0.1, 0.4, 1.5]), [0.01, 0.04])
            ),
            key=lambda result: result.fun,
        )
        cases.append(
            {
                "levels": levels.tolist(),
                "threshold": best.x[0],
                "slope": float(np.exp(best.x[1])),
                "lapse": best.x[2],
                "log_likelihood": -best.fun,
                "credible": credible(levels),
            }
        )
    return cases


def grades():
    cases = []
    for values in [[-1.0, -0.5, 0.0, -0.7, 0.3], [-0.1, 0.1, -0.4, -2.0, -1.5, 0.0, -0.3]]:
        test = stats.ttest_1samp(values, 0, alternative="less")
        interval = stats.ttest_1samp(values, 0).confidence_interval(0.95)
        apart = [value for value in values if value != 0]
        below = sum(value < 0 for value in apart)
        cases.append(
            {
                "differences": values,
                "mean": float(np.mean(values)),
                "interval": [interval.low, interval.high],
                "t_p": test.pvalue,
                "sign_p": stats.binomtest(below, len(apart), 0.5, alternative="greater").pvalue,
            }
        )
    return cases


def holm():
    values = [0.01, 0.04, 0.03, 0.005, 0.2, 0.04]
    # As R's p.adjust(values, "holm").
    order = np.argsort(values, kind="stable")
    corrected = np.empty(len(values))
    running = np.maximum.accumulate(
        np.minimum(1, np.array(values)[order] * (len(values) - np.arange(len(values))))
    )
    corrected[order] = running
    return {"p": values, "corrected": corrected.tolist()}


print(
    json.dumps(
        {
            "binomial": binomial(),
            "power": power(),
            "detection": detection(),
            "psychometric": psychometric(),
            "grades": grades(),
            "holm": holm(),
        },
        indent=1,
    )
)
