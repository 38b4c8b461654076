// Pictures as Pillow handles them: {width, height, channels, data}, 8 bits, rows of pixels of 1 or 3 channels. Each
// function gives what Pillow's of the same name gives, to the last bit where that calculates in whole numbers.

export function makePicture(width, height, channels, data = new Uint8Array(width * height * channels)) {
    return { width, height, channels, data };
}

/** Grey by ITU-R 601-2 luma, as mode L. */
export function toGrey(picture) {
    if (picture.channels === 1) return picture;
    const grey = makePicture(picture.width, picture.height, 1);
    const { data } = picture;
    for (let i = 0, j = 0; i < grey.data.length; i++, j += 3) {
        grey.data[i] = (data[j] * 19595 + data[j + 1] * 38470 + data[j + 2] * 7471 + 0x8000) >> 16;
    }
    return grey;
}

// Fixed-point weights of the triangle filter for one axis: which pixels, and how much of each.
const PRECISION = 1 << 22;

function makeWeights(inSize, in0, in1, outSize) {
    const scale = Math.fround(in1 - in0) / outSize;
    const width = Math.max(scale, 1);
    const first = new Int32Array(outSize), counts = new Int32Array(outSize);
    const size = Math.ceil(width) * 2 + 1;
    const weights = new Int32Array(outSize * size);
    const shares = new Float64Array(size);
    for (let i = 0; i < outSize; i++) {
        const centre = in0 + (i + 0.5) * scale;
        const start = Math.max(0, Math.trunc(centre - width + 0.5));
        const count = Math.min(inSize, Math.trunc(centre + width + 0.5)) - start;
        let sum = 0;
        for (let k = 0; k < count; k++) {
            const distance = Math.abs((k + start - centre + 0.5) / width);
            shares[k] = distance < 1 ? 1 - distance : 0;
            sum += shares[k];
        }
        for (let k = 0; k < count; k++) weights[i * size + k] = Math.trunc(0.5 + (sum ? shares[k] / sum : 0) * PRECISION);
        first[i] = start;
        counts[i] = count;
    }
    return { first, counts, weights, size };
}

// Along one axis: `lines` lines, `step` from one pixel to the next and `jump` from one line to the next.
function resample(from, to, channels, lines, outSize, axis, inStep, inJump, outStep, outJump) {
    const { first, counts, weights, size } = axis;
    for (let line = 0; line < lines; line++) {
        for (let i = 0; i < outSize; i++) {
            const start = line * inJump + first[i] * inStep, end = counts[i], w = i * size;
            const target = line * outJump + i * outStep;
            for (let c = 0; c < channels; c++) {
                let sum = PRECISION >> 1;
                for (let k = 0, j = start + c; k < end; k++, j += inStep) sum += from[j] * weights[w + k];
                to[target + c] = Math.min(255, Math.max(0, sum >> 22));
            }
        }
    }
}

/** Image.resize with the bilinear filter, which averages when it shrinks.
 *  box: left, top, right, bottom of the part to take; gap: Pillow's reducing_gap, 0 for none. */
export function resize(picture, width, height, box = [0, 0, picture.width, picture.height], gap = 0) {
    const whole = box[0] === 0 && box[1] === 0 && box[2] === picture.width && box[3] === picture.height;
    if (whole && width === picture.width && height === picture.height) return picture;
    if (gap) {
        const fx = Math.trunc((box[2] - box[0]) / width / gap) || 1;
        const fy = Math.trunc((box[3] - box[1]) / height / gap) || 1;
        if (fx > 1 || fy > 1) {
            const sx = 0.5 * (box[2] - box[0]) / width, sy = 0.5 * (box[3] - box[1]) / height;
            const safe = [
                Math.max(0, Math.trunc(box[0] - sx)), Math.max(0, Math.trunc(box[1] - sy)),
                Math.min(picture.width, Math.ceil(box[2] + sx)), Math.min(picture.height, Math.ceil(box[3] + sy)),
            ];
            picture = reduce(picture, fx, fy, safe);
            box = [(box[0] - safe[0]) / fx, (box[1] - safe[1]) / fy, (box[2] - safe[0]) / fx, (box[3] - safe[1]) / fy];
        }
    }
    box = box.map(Math.fround);
    const { channels } = picture;
    let current = picture;
    if (width !== current.width || box[0] || box[2] !== width) {
        const next = makePicture(width, current.height, channels);
        const axis = makeWeights(current.width, box[0], box[2], width);
        resample(current.data, next.data, channels, current.height, width, axis,
            channels, current.width * channels, channels, width * channels);
        current = next;
    }
    if (height !== current.height || box[1] || box[3] !== height) {
        const next = makePicture(width, height, channels);
        const axis = makeWeights(current.height, box[1], box[3], height);
        resample(current.data, next.data, channels, width, height, axis,
            width * channels, channels, width * channels, channels);
        current = next;
    }
    return current;
}

/** Image.reduce: means of blocks of fx by fy pixels. */
export function reduce(picture, fx, fy, [left, top, right, bottom]) {
    const { channels, data } = picture;
    const width = Math.ceil((right - left) / fx), height = Math.ceil((bottom - top) / fy);
    const small = makePicture(width, height, channels);
    for (let y = 0; y < height; y++) {
        const y0 = top + y * fy, y1 = Math.min(y0 + fy, bottom);
        for (let x = 0; x < width; x++) {
            const x0 = left + x * fx, x1 = Math.min(x0 + fx, right);
            const count = (x1 - x0) * (y1 - y0);
            const multiplier = Math.trunc(2 ** 32 / (256 * count));
            for (let c = 0; c < channels; c++) {
                let sum = count >> 1;
                for (let v = y0; v < y1; v++) {
                    for (let u = x0, i = (v * picture.width + x0) * channels + c; u < x1; u++, i += channels) sum += data[i];
                }
                small.data[(y * width + x) * channels + c] = Math.floor((sum * multiplier) / 2 ** 24);
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

// A part of a picture; `column` and `row` say which of its own stand for those beyond its edges.
function cutBy(picture, [x0, y0, x1, y1], column, row) {
    const { channels, data } = picture;
    const width = x1 - x0, height = y1 - y0;
    const part = makePicture(width, height, channels);
    const columns = Int32Array.from({ length: width }, (_, i) => column(x0 + i) * channels);
    for (let y = 0, j = 0; y < height; y++) {
        const start = row(y0 + y) * picture.width * channels;
        for (let x = 0; x < width; x++) {
            const i = start + columns[x];
            for (let c = 0; c < channels; c++) part.data[j++] = data[i + c];
        }
    }
    return part;
}

/** A part; beyond the edges the outermost pixels are repeated. */
export function cut(picture, box) {
    const [column, row] = [picture.width, picture.height].map((size) => (i) => Math.min(Math.max(i, 0), size - 1));
    return cutBy(picture, box, column, row);
}

/** A box in whole pixels; if it lies beyond the picture, with the nearest ones of it. */
export function roundOutwards({ width, height }, [x0, y0, x1, y1]) {
    return [Math.min(Math.floor(x0), width - 1), Math.min(Math.floor(y0), height - 1), Math.max(Math.ceil(x1), 1), Math.max(Math.ceil(y1), 1)];
}

/** A part; beyond the edges the picture is reflected. */
export function cutReflected(picture, box) {
    const whole = roundOutwards(picture, box);
    // As numpy.pad's `symmetric`, which knows the part alone that lies inside.
    const mirror = (start, end) => (i) => {
        const size = end - start, j = (((i - start) % (2 * size)) + 2 * size) % (2 * size);
        return start + (j < size ? j : 2 * size - 1 - j);
    };
    const column = mirror(Math.max(whole[0], 0), Math.min(whole[2], picture.width));
    const row = mirror(Math.max(whole[1], 0), Math.min(whole[3], picture.height));
    return cutBy(picture, whole, column, row);
}

/** Image.rotate by whole quarters, counterclockwise, with the picture's sides turned too. */
export function rotateQuarter(picture, quarters) {
    const { width, height, channels, data } = picture;
    const turned = quarters % 2 ? makePicture(height, width, channels) : makePicture(width, height, channels);
    for (let y = 0, j = 0; y < turned.height; y++) {
        for (let x = 0; x < turned.width; x++) {
            const [u, v] = [[x, y], [width - 1 - y, x], [width - 1 - x, height - 1 - y], [y, height - 1 - x]][quarters];
            const i = (v * width + u) * channels;
            for (let c = 0; c < channels; c++) turned.data[j++] = data[i + c];
        }
    }
    return turned;
}

/** Image.rotate of a square, counterclockwise; what comes from beyond it is black. */
export function rotate(picture, degrees, bicubic = false) {
    const angle = ((degrees % 360) + 360) % 360;
    if (angle % 90 === 0) return angle ? rotateQuarter(picture, angle / 90) : picture;
    const { width, height, channels, data } = picture;
    const radians = (-angle * Math.PI) / 180;
    const cos = Number(Math.cos(radians).toFixed(15)), sin = Number(Math.sin(radians).toFixed(15));
    const tx = cos * (-width / 2) + sin * (-height / 2) + width / 2, ty = -sin * (-width / 2) + cos * (-height / 2) + height / 2;
    const turned = makePicture(width, height, channels);
    const taps = bicubic ? 4 : 2;
    const clampX = (x) => Math.min(Math.max(x, 0), width - 1) * channels;
    const clampY = (y) => Math.min(Math.max(y, 0), height - 1) * width * channels;
    const values = new Float64Array(4);
    for (let y = 0, j = 0; y < height; y++) {
        for (let x = 0; x < width; x++, j += channels) {
            let u = cos * (x + 0.5) + sin * (y + 0.5) + tx, v = -sin * (x + 0.5) + cos * (y + 0.5) + ty;
            if (u < 0 || u >= width || v < 0 || v >= height) continue;
            u -= 0.5;
            v -= 0.5;
            const u0 = Math.floor(u), v0 = Math.floor(v), du = u - u0, dv = v - v0, before = bicubic ? 1 : 0;
            for (let c = 0; c < channels; c++) {
                for (let k = 0; k < taps; k++) {
                    const row = clampY(v0 + k - before) + c;
                    values[k] = bicubic
                        ? cubic(data[row + clampX(u0 - 1)], data[row + clampX(u0)], data[row + clampX(u0 + 1)], data[row + clampX(u0 + 2)], du)
                        : linear(data[row + clampX(u0)], data[row + clampX(u0 + 1)], du);
                }
                const value = bicubic ? cubic(values[0], values[1], values[2], values[3], dv) : linear(values[0], values[1], dv);
                turned.data[j + c] = value <= 0 ? 0 : value >= 255 ? 255 : Math.trunc(value);
            }
        }
    }
    return turned;
}

const linear = (a, b, d) => a + (b - a) * d;

function cubic(a, b, c, d, t) {
    return b + t * (-a + c + t * (2 * (a - b) + c - d + t * (-a + b - c + d)));
}
