// Pictures as Pillow handles them: {width, height, channels, data}, 8 bits, rows of pixels of 1 or 3 channels. Each
// function gives what Pillow's of the same name gives, to the last bit where that calculates in whole numbers.

export function makePicture(width, height, channels, data = new Uint8ClampedArray(width * height * channels)) {
    return { width, height, channels, data };
}

/** What of a box lies in a picture. */
export function clipBox({ width, height }, [x0, y0, x1, y1]) {
    return [Math.max(x0, 0), Math.max(y0, 0), Math.min(x1, width), Math.min(y1, height)];
}

const isWhole = ({ width, height }, box) => [0, 0, width, height].every((edge, i) => edge === box[i]);

export const mod = (a, b) => ((a % b) + b) % b;

/** Grey by ITU-R 601-2 luma, as mode L. */
export function toGrey({ width, height, data }) {
    const grey = makePicture(width, height, 1);
    for (let i = 0, j = 0; i < grey.data.length; i++, j += 3) {
        grey.data[i] = (data[j] * 19595 + data[j + 1] * 38470 + data[j + 2] * 7471 + 0x8000) >> 16;
    }
    return grey;
}

const PRECISION = 22; // bits of a weight

// The triangle filter along one axis: for each of `size` pixels the first that it takes, how many, and their weights.
function makeWeights(length, start, end, size) {
    const scale = Math.fround(end - start) / size, reach = Math.max(scale, 1), most = Math.ceil(reach) * 2 + 1;
    const firsts = new Int32Array(size), counts = new Int32Array(size), weights = new Int32Array(size * most);
    for (let i = 0; i < size; i++) {
        const centre = start + (i + 0.5) * scale, first = Math.max(0, Math.trunc(centre - reach + 0.5));
        firsts[i] = first;
        counts[i] = Math.min(length, Math.trunc(centre + reach + 0.5)) - first;
        const shares = Array.from({ length: counts[i] }, (_, k) => Math.max(0, 1 - Math.abs((k + first - centre + 0.5) / reach)));
        const sum = shares.reduce((a, b) => a + b, 0);
        weights.set(shares.map((share) => Math.trunc(0.5 + (share / sum) * 2 ** PRECISION)), i * most);
    }
    return { firsts, counts, weights, most };
}

// `from` in blocks of `block` values, whose pixels lie `step` apart in both pictures: rows of pixels, or all rows.
function resample(from, to, { firsts, counts, weights, most }, step, block) {
    for (let start = 0, target = 0; start < from.length; start += block) {
        for (let i = 0; i < firsts.length; i++) {
            const first = start + firsts[i] * step, w = i * most, count = counts[i];
            for (let c = 0; c < step; c++, target++) {
                let value = 1 << (PRECISION - 1);
                for (let k = 0, j = first + c; k < count; k++, j += step) value += from[j] * weights[w + k];
                to[target] = value >> PRECISION;
            }
        }
    }
}

/** Image.resize with the bilinear filter, which averages when it shrinks.
 *  box: left, top, right, bottom of the part to take; gap: Pillow's reducing_gap, 0 for none. */
export function resize(picture, width, height, box = [0, 0, picture.width, picture.height], gap = 0) {
    if (isWhole(picture, box) && width === picture.width && height === picture.height) return picture;
    const scales = [(box[2] - box[0]) / width, (box[3] - box[1]) / height];
    if (gap) {
        const factors = scales.map((scale) => Math.trunc(scale / gap) || 1);
        const [dx, dy] = scales.map((scale) => Math.max(scale, 2 - scale) / 2); // how far the filter reaches beyond the box
        const part = clipBox(picture, [Math.trunc(box[0] - dx), Math.trunc(box[1] - dy), Math.ceil(box[2] + dx), Math.ceil(box[3] + dy)]);
        picture = reduce(picture, ...factors, part);
        box = box.map((edge, i) => (edge - part[i % 2]) / factors[i % 2]);
    }
    const [left, top, right, bottom] = box.map(Math.fround);
    const { channels } = picture, wide = makePicture(width, picture.height, channels), made = makePicture(width, height, channels);
    resample(picture.data, wide.data, makeWeights(picture.width, left, right, width), channels, picture.width * channels);
    resample(wide.data, made.data, makeWeights(picture.height, top, bottom, height), width * channels, wide.data.length);
    return made;
}

/** Image.reduce: means of blocks of fx by fy pixels. */
export function reduce(picture, fx, fy, [left, top, right, bottom]) {
    if (fx * fy === 1) return cut(picture, [left, top, right, bottom]);
    const { channels, data } = picture;
    const small = makePicture(Math.ceil((right - left) / fx), Math.ceil((bottom - top) / fy), channels);
    for (let y0 = top, target = 0; y0 < bottom; y0 += fy) {
        for (let x0 = left; x0 < right; x0 += fx) {
            const x1 = Math.min(x0 + fx, right), y1 = Math.min(y0 + fy, bottom);
            const count = (x1 - x0) * (y1 - y0), multiplier = Math.trunc(2 ** 24 / count);
            for (let c = 0; c < channels; c++) {
                let sum = count >> 1;
                for (let v = y0; v < y1; v++) {
                    for (let u = x0, i = (v * picture.width + x0) * channels + c; u < x1; u++, i += channels) sum += data[i];
                }
                small.data[target++] = Math.floor((sum * multiplier) / 2 ** 24);
            }
        }
    }
    return small;
}

/** As `images.reduce_crop`. */
export function reduceCrop(picture, sideMin) {
    const { width, height } = picture, factor = Math.floor(Math.sqrt(width * height) / sideMin);
    return factor > 1 ? reduce(picture, factor, factor, [0, 0, width, height]) : picture;
}

// A picture of another one's pixels; `place(x, y)` says which, by its number.
function gather({ channels, data }, width, height, place) {
    const made = makePicture(width, height, channels);
    for (let y = 0, j = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
            const i = place(x, y) * channels;
            for (let c = 0; c < channels; c++) made.data[j++] = data[i + c];
        }
    }
    return made;
}

// A part; `column` and `row` say which of the picture's own stand for those beyond its edges.
function cutBy(picture, [x0, y0, x1, y1], column, row) {
    const columns = Int32Array.from({ length: x1 - x0 }, (_, i) => column(x0 + i));
    const rows = Int32Array.from({ length: y1 - y0 }, (_, i) => row(y0 + i) * picture.width);
    return gather(picture, x1 - x0, y1 - y0, (x, y) => rows[y] + columns[x]);
}

/** A part; beyond the edges the outermost pixels are repeated. */
export function cut(picture, box) {
    if (isWhole(picture, box)) return picture;
    const [column, row] = [picture.width, picture.height].map((size) => (i) => Math.min(Math.max(i, 0), size - 1));
    return cutBy(picture, box, column, row);
}

/** A box in whole pixels; if it lies beyond the picture, with the nearest ones of it. */
export function roundOutwards({ width, height }, [x0, y0, x1, y1]) {
    return [Math.min(Math.floor(x0), width - 1), Math.min(Math.floor(y0), height - 1), Math.max(Math.ceil(x1), 1), Math.max(Math.ceil(y1), 1)];
}

/** A part; beyond the edges the picture is reflected. */
export function cutReflected(picture, box) {
    const whole = roundOutwards(picture, box), inside = clipBox(picture, whole);
    // As numpy.pad's `symmetric`, which knows the part alone that lies inside.
    const [column, row] = [0, 1].map((axis) => (i) => {
        const start = inside[axis], size = inside[axis + 2] - start, j = mod(i - start, 2 * size);
        return start + Math.min(j, 2 * size - 1 - j);
    });
    return cutBy(picture, whole, column, row);
}

/** Image.rotate by whole quarters, counterclockwise, with the picture's sides turned too. */
export function rotateQuarter(picture, quarters) {
    const { width, height } = picture, last = width * height - 1;
    const place = [
        (x, y) => y * width + x, (x, y) => (x + 1) * width - 1 - y, (x, y) => last - y * width - x, (x, y) => (height - 1 - x) * width + y,
    ][quarters];
    return quarters % 2 ? gather(picture, height, width, place) : gather(picture, width, height, place);
}

/** Image.rotate of a square, counterclockwise; what comes from beyond it is black. */
export function rotate(picture, degrees, bicubic = false) {
    const angle = mod(degrees, 360);
    if (angle % 90 === 0) return angle ? rotateQuarter(picture, angle / 90) : picture;
    const { width: side, channels, data } = picture, middle = side / 2;
    const radians = (-angle * Math.PI) / 180;
    const cos = Number(Math.cos(radians).toFixed(15)), sin = Number(Math.sin(radians).toFixed(15));
    const tx = cos * -middle + sin * -middle + middle, ty = -sin * -middle + cos * -middle + middle;
    const turned = makePicture(side, side, channels);
    const taps = bicubic ? 4 : 2, before = bicubic ? 1 : 0;
    const clamp = (i) => Math.min(Math.max(i, 0), side - 1) * channels;
    const values = new Float64Array(4);
    for (let y = 0, j = 0; y < side; y++) {
        for (let x = 0; x < side; x++, j += channels) {
            const u = cos * (x + 0.5) + sin * (y + 0.5) + tx, v = -sin * (x + 0.5) + cos * (y + 0.5) + ty;
            if (u < 0 || u >= side || v < 0 || v >= side) continue;
            const u0 = Math.floor(u - 0.5), v0 = Math.floor(v - 0.5), du = u - 0.5 - u0, dv = v - 0.5 - v0;
            for (let c = 0; c < channels; c++) {
                for (let k = 0; k < taps; k++) {
                    const row = clamp(v0 + k - before) * side + c;
                    values[k] = bicubic
                        ? cubic(data[row + clamp(u0 - 1)], data[row + clamp(u0)], data[row + clamp(u0 + 1)], data[row + clamp(u0 + 2)], du)
                        : linear(data[row + clamp(u0)], data[row + clamp(u0 + 1)], du);
                }
                turned.data[j + c] = Math.trunc(bicubic ? cubic(values[0], values[1], values[2], values[3], dv) : linear(values[0], values[1], dv));
            }
        }
    }
    return turned;
}

const linear = (a, b, d) => a + (b - a) * d;

const cubic = (a, b, c, d, t) => b + t * (-a + c + t * (2 * (a - b) + c - d + t * (-a + b - c + d)));
