// The network of `multi-color-sum`, its gradient, and exact Shapley values, in the browser.
// Weights and activations are multiples of powers of two, so numbers of 64 bits add them up without rounding, as torch does.
"use strict";

/** Detector, accumulator and head. `spec` comes from attributionlab/live/export.py. */
class Network {
  constructor(spec, seed, isRedundant) {
    this.size = spec.size;
    this.pixels = spec.size * spec.size;
    this.classes = spec.classes.length;
    this.detector = spec.detector;
    this.channels = spec.detector[spec.detector.length - 1].outputs;
    this.blocks = spec.accumulators[seed].map(flattened);
    this.scale = spec.scale;
    this.isRedundant = isRedundant;
    this.colors = new Map();
  }

  /** Channels of one color, the activations of every detector layer, and the slopes (channel x 3). */
  detect(red, green, blue) {
    const key = `${red},${green},${blue}`;
    let found = this.colors.get(key);
    if (!found) {
      found = this.detectAnew([red, green, blue]);
      if (this.colors.size > 20000) this.colors.clear();
      this.colors.set(key, found);
    }
    return found;
  }

  detectAnew(color) {
    const activations = [Float64Array.from(color)];
    let slopes = [1, 0, 0, 0, 1, 0, 0, 0, 1];
    for (const layer of this.detector) {
      const before = activations[activations.length - 1];
      const values = new Float64Array(layer.outputs);
      const changed = new Float64Array(layer.outputs * 3);
      for (let output = 0; output < layer.outputs; output++) {
        let sum = layer.bias[output];
        for (const [input, weight] of layer.terms[output]) sum += weight * before[input];
        if (sum > 0) {
          values[output] = sum;
          for (const [input, weight] of layer.terms[output])
            for (let part = 0; part < 3; part++) changed[output * 3 + part] += weight * slopes[input * 3 + part];
        }
      }
      activations.push(values);
      slopes = changed;
    }
    const channels = activations[activations.length - 1].slice();
    if (!this.isRedundant) {
      channels.fill(0, this.classes);
      slopes.fill(0, this.classes * 3);
    }
    return {activations, channels, slopes};
  }

  /** All values for an image, Float64Array (3 x pixels): channels, each block's kernels and cells, counts, logits, probabilities. */
  forward(image) {
    const n = this.pixels;
    let cells = new Float64Array(this.channels * n);
    for (let pixel = 0; pixel < n; pixel++) {
      const {channels} = this.detect(image[pixel], image[n + pixel], image[2 * n + pixel]);
      for (let channel = 0; channel < this.channels; channel++) cells[channel * n + pixel] = channels[channel];
    }
    const channels = cells;
    const levels = [];
    let side = this.size;
    for (const block of this.blocks) {
      const level = this.runBlock(block, cells, side);
      levels.push(level);
      cells = level.cells;
      side = level.side;
    }
    const counts = Array.from(cells);
    const logits = counts.map(count => count * this.scale);
    return {channels, levels, counts, logits, probabilities: softmax(logits)};
  }

  runBlock(block, inputs, side) {
    const after = Math.ceil(side / 3);
    const kernels = new Float64Array(block.kernels.length * after * after);
    const cells = new Float64Array(this.classes * after * after);
    for (let row = 0; row < after; row++)
      for (let column = 0; column < after; column++)
        this.runCell(block, inputs, side, kernels, cells, after, row, column);
    return {side: after, kernels, cells, before: side};
  }

  runCell(block, inputs, side, kernels, cells, after, row, column) {
    const place = row * after + column, all = after * after;
    const top = row * 3 - block.padding[0], left = column * 3 - block.padding[1];
    for (let index = 0; index < block.kernels.length; index++) {
      const {bias, channel, down, right, weight} = block.kernels[index];
      let sum = bias;
      for (let term = 0; term < weight.length; term++) {
        const y = top + down[term], x = left + right[term];
        if (y >= 0 && y < side && x >= 0 && x < side) sum += weight[term] * inputs[(channel[term] * side + y) * side + x];
      }
      kernels[index * all + place] = sum > 0 ? sum : 0;
    }
    for (let output = 0; output < block.mixing.length; output++) {
      const {bias, channel, weight} = block.mixing[output];
      let sum = bias;
      for (let term = 0; term < weight.length; term++) sum += weight[term] * kernels[channel[term] * all + place];
      cells[output * all + place] = sum > 0 ? sum : 0;
    }
  }

  /** Gradient (3 x pixels) of an output with the slopes of the image's own colors. */
  gradient(image, state, target, output) {
    const n = this.pixels;
    let grown = new Float64Array(this.classes);
    for (let index = 0; index < this.classes; index++) {
      const same = index === target ? 1 : 0;
      const slope = output === "logit" ? same : state.probabilities[target] * (same - state.probabilities[index]);
      grown[index] = state.counts[index] > 0 ? slope * this.scale : 0;
    }
    for (let number = this.blocks.length - 1; number >= 0; number--) grown = this.backBlock(this.blocks[number], state.levels[number], grown, number);
    const gradient = new Float64Array(3 * n);
    for (let pixel = 0; pixel < n; pixel++) {
      const {slopes} = this.detect(image[pixel], image[n + pixel], image[2 * n + pixel]);
      for (let channel = 0; channel < this.channels; channel++) {
        const factor = grown[channel * n + pixel];
        if (factor !== 0) for (let part = 0; part < 3; part++) gradient[part * n + pixel] += factor * slopes[channel * 3 + part];
      }
    }
    return gradient;
  }

  backBlock(block, level, grown, number) {
    const {side, before, kernels, cells} = level, all = side * side;
    const inputs = number === 0 ? this.channels : this.classes;
    const back = new Float64Array(inputs * before * before);
    const byKernel = new Float64Array(block.kernels.length);
    for (let row = 0; row < side; row++)
      for (let column = 0; column < side; column++) {
        const place = row * side + column;
        const top = row * 3 - block.padding[0], left = column * 3 - block.padding[1];
        byKernel.fill(0);
        for (let output = 0; output < block.mixing.length; output++) {
          const factor = cells[output * all + place] > 0 ? grown[output * all + place] : 0;
          const {channel, weight} = block.mixing[output];
          if (factor !== 0) for (let term = 0; term < weight.length; term++) byKernel[channel[term]] += weight[term] * factor;
        }
        for (let index = 0; index < block.kernels.length; index++) {
          const factor = kernels[index * all + place] > 0 ? byKernel[index] : 0;
          if (factor === 0) continue;
          const {channel, down, right, weight} = block.kernels[index];
          for (let term = 0; term < weight.length; term++) {
            const y = top + down[term], x = left + right[term];
            if (y >= 0 && y < before && x >= 0 && x < before) back[(channel[term] * before + y) * before + x] += weight[term] * factor;
          }
        }
      }
    return back;
  }

  /** The output for an image. */
  value(image, target, output) {
    const state = this.forward(image);
    return output === "logit" ? state.logits[target] : state.probabilities[target];
  }

  /** Map (pixels): the gradient summed over red, green and blue. */
  gradientMap(image, target, output) {
    return overColors(this.gradient(image, this.forward(image), target, output), this.pixels);
  }

  /** Map (pixels): mean gradient at `steps` midpoints of the straight path, times the way. */
  integratedGradients(image, baseline, steps, target, output) {
    const n = this.pixels, total = new Float64Array(3 * n);
    for (let step = 0; step < steps; step++) {
      const point = onPath(image, baseline, (step + 0.5) / steps, n);
      const gradient = this.gradient(point, this.forward(point), target, output);
      for (let index = 0; index < 3 * n; index++) total[index] += gradient[index] / steps;
    }
    for (let index = 0; index < 3 * n; index++) total[index] *= image[index] - baseline[Math.floor(index / n)];
    return overColors(total, n);
  }

  /** Map (pixels): what is lost if one pixel is replaced by the baseline; only the cells above the pixel are computed again. */
  occlusion(image, baseline, target, output) {
    const n = this.pixels, state = this.forward(image), map = new Float64Array(n);
    const whole = output === "logit" ? state.logits[target] : state.probabilities[target];
    const replaced = this.detect(baseline[0], baseline[1], baseline[2]).channels;
    for (let pixel = 0; pixel < n; pixel++) {
      const own = this.detect(image[pixel], image[n + pixel], image[2 * n + pixel]).channels;
      if (own.every((value, channel) => value === replaced[channel])) continue;
      const logits = this.countsWithout(state, pixel, replaced).map(count => count * this.scale);
      map[pixel] = whole - (output === "logit" ? logits[target] : softmax(logits)[target]);
    }
    return map;
  }

  countsWithout(state, pixel, replaced) {
    const saved = [];
    let row = Math.floor(pixel / this.size), column = pixel % this.size, inputs = state.channels, side = this.size;
    for (let channel = 0; channel < this.channels; channel++) {
      saved.push([inputs, channel * this.pixels + pixel, inputs[channel * this.pixels + pixel]]);
      inputs[channel * this.pixels + pixel] = replaced[channel];
    }
    this.blocks.forEach((block, number) => {
      const level = state.levels[number];
      row = Math.floor((row + block.padding[0]) / 3);
      column = Math.floor((column + block.padding[1]) / 3);
      const all = level.side * level.side, place = row * level.side + column;
      for (let index = 0; index < block.kernels.length; index++) saved.push([level.kernels, index * all + place, level.kernels[index * all + place]]);
      for (let index = 0; index < this.classes; index++) saved.push([level.cells, index * all + place, level.cells[index * all + place]]);
      this.runCell(block, inputs, side, level.kernels, level.cells, level.side, row, column);
      inputs = level.cells;
      side = level.side;
    });
    const counts = Array.from(inputs);
    for (const [array, index, value] of saved) array[index] = value;
    return counts;
  }
}

/** A block with its terms in arrays, one for each part of a term. */
function flattened(block) {
  const column = (terms, part) => terms.map(term => term[part]);
  return {
    padding: block.padding,
    kernels: block.kernels.map(({bias, terms}) => ({
      bias, channel: Int32Array.from(column(terms, 0)), down: Int32Array.from(column(terms, 1)), right: Int32Array.from(column(terms, 2)),
      weight: Float64Array.from(column(terms, 3)),
    })),
    mixing: block.mixing.map(({bias, terms}) => ({bias, channel: Int32Array.from(column(terms, 0)), weight: Float64Array.from(column(terms, 1))})),
  };
}

function softmax(logits) {
  const largest = Math.max(...logits), powers = logits.map(logit => Math.exp(logit - largest));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map(power => power / total);
}

function overColors(values, n) {
  const map = new Float64Array(n);
  for (let pixel = 0; pixel < n; pixel++) map[pixel] = values[pixel] + values[n + pixel] + values[2 * n + pixel];
  return map;
}

/** The image at a share of the straight path from the baseline. */
function onPath(image, baseline, share, n) {
  const point = new Float64Array(3 * n);
  for (let index = 0; index < 3 * n; index++) {
    const start = baseline[Math.floor(index / n)];
    point[index] = start + share * (image[index] - start);
  }
  return point;
}

/** Soft precision, recall and F1 against the truth of -1, 0, 1; with `signed`, a hit needs the right sign. */
function f1(map, truth, signed) {
  let highest = 0, lowest = 0, hits = 0, mass = 0, effects = 0;
  for (const value of map) { highest = Math.max(highest, value); lowest = Math.min(lowest, value); }
  map.forEach((value, pixel) => {
    const scaled = value >= 0 ? (highest > 0 ? value / highest : 0) : value / -lowest;
    const right = signed ? scaled * truth[pixel] > 0 : truth[pixel] !== 0;
    if (right) hits += Math.abs(scaled);
    mass += Math.abs(scaled);
    effects += Math.abs(truth[pixel]);
  });
  if (mass === 0 || effects === 0 || hits === 0) return 0;
  const precision = hits / mass, recall = hits / effects;
  return 2 * precision * recall / (precision + recall);
}

/** Exact Shapley value of one pixel of each class for a probability; counts as given, T = 1 / scale. See truth/softmax_shapley.py. */
function softmaxShapley(counts, target, scale) {
  const total = softmax(counts.map(count => count * scale))[target] - 1 / counts.length;
  let values = null;
  for (let nodes = 32; nodes <= 512; nodes *= 2) {
    values = integrateShapley(counts, target, scale, nodes);
    const sum = counts.reduce((all, count, index) => all + (count ? count * values[index] : 0), 0);
    if (Math.abs(sum - total) < 1e-11) break;
  }
  return values;
}

const GRID = {step: 0.25, lowest: -40, highest: 6};

function integrateShapley(counts, target, scale, nodes) {
  const values = new Array(counts.length).fill(0), {step, lowest, highest} = GRID;
  const perCount = Math.round(scale / step);
  const n0 = Math.round((highest - lowest) / step) + 1;
  const rising = Float64Array.from({length: n0}, (_, i) => Math.exp(-Math.exp(lowest + i * step)));
  const bump = Float64Array.from({length: n0}, (_, i) => Math.exp(lowest + i * step - Math.exp(lowest + i * step)));
  for (const [node, weight] of legendre(nodes)) {
    const share = node * node, centers = counts.map(count => Math.max(count - 1, 0));
    const binomials = centers.map(n => binomial(n, share));
    const from = Math.round(lowest / step) - binomials[target].last * perCount, to = Math.round(highest / step) - binomials[target].first * perCount;
    const length = to - from + 1 + perCount;
    const spread = counts.map((_, index) => {
      const table = index === target ? bump : rising, {first, values: pmf} = binomials[index];
      const below = new Float64Array(pmf.length + 1);
      pmf.forEach((value, j) => { below[j + 1] = below[j] + value; });
      const out = new Float64Array(length), start = from - Math.round(lowest / step) + first * perCount;
      for (let i = 0; i < length; i++) {
        const place = start + i;  // of the first count; those below the table have its first value
        let j = place < 0 ? Math.min(pmf.length, Math.ceil(-place / perCount)) : 0;
        let sum = below[j] * table[0];
        for (let at = place + j * perCount; j < pmf.length && at < n0; j++, at += perCount) sum += pmf[j] * table[at];
        out[i] = sum;
      }
      return out;
    });
    const mixed = spread.map((lower, index) => {
      const out = new Float64Array(length - perCount);
      for (let i = 0; i < out.length; i++) out[i] = counts[index] > 0 ? lower[i] + share * (lower[i + perCount] - lower[i]) : lower[i];
      return out;
    });
    for (let index = 0; index < counts.length; index++) {
      if (!counts[index]) continue;
      let sum = 0;
      for (let i = 0; i < length - perCount; i++) {
        let product = spread[index][i + perCount] - spread[index][i];
        for (let other = 0; other < counts.length; other++) if (other !== index) product *= mixed[other][i];
        sum += product;
      }
      values[index] += 2 * node * weight * step * sum;
    }
  }
  return values;
}

/** Probabilities of a binomial variable where they are not negligible. */
function binomial(n, share) {
  const reach = Math.ceil(9 * Math.sqrt(n) / 2 + 20), mean = Math.round(n * share);
  const first = Math.max(0, mean - reach), last = Math.min(n, mean + reach);
  const logs = [];
  let log = 0;
  for (let k = 0; k <= last; k++) {
    if (k >= first) logs.push(log + (k ? k * Math.log(share) : 0) + (n - k ? (n - k) * Math.log1p(-share) : 0));
    log += Math.log(n - k) - Math.log(k + 1);
  }
  const values = logs.map(Math.exp);
  let low = 0, high = values.length;
  while (high - low > 1 && values[low] < 1e-20) low++;
  while (high - low > 1 && values[high - 1] < 1e-20) high--;
  return {first: first + low, last: first + high - 1, values: values.slice(low, high)};
}

const LEGENDRE = new Map();

/** Gauss-Legendre nodes and weights on [0, 1], by Newton's method. */
function legendre(n) {
  if (!LEGENDRE.has(n)) {
    const pairs = [];
    for (let i = 0; i < n; i++) {
      let x = Math.cos(Math.PI * (i + 0.75) / (n + 0.5)), slope = 0;
      for (let round = 0; round < 50; round++) {
        let [p, before] = [1, 0];
        for (let k = 1; k <= n; k++) [p, before] = [((2 * k - 1) * x * p - (k - 1) * before) / k, p];
        slope = n * (x * p - before) / (x * x - 1);
        const move = p / slope;
        x -= move;
        if (Math.abs(move) < 1e-16) break;
      }
      pairs.push([(x + 1) / 2, 1 / ((1 - x * x) * slope * slope)]);
    }
    LEGENDRE.set(n, pairs);
  }
  return LEGENDRE.get(n);
}

if (typeof module !== "undefined") module.exports = {Network, softmax, softmaxShapley, f1, onPath};
