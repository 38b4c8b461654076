// Answers of an npm package to faces: `node npm_peers.cjs PACKAGE FOLDER < faces`, where FOLDER holds `node_modules`.
// In: 48x48 grey bytes a face. Out: one line of JSON, as `measure.ask` describes it.

const fs = require('fs');
const path = require('path');
const { createRequire } = require('module');

const SIDE = 48;
const [name, folder] = process.argv.slice(2);
const modules = path.resolve(folder, 'node_modules');
const load = createRequire(path.join(modules, 'none.js'));
const tf = load('@tensorflow/tfjs');
const wasm = load('@tensorflow/tfjs-backend-wasm');

// tfjs asks for weights by `fetch`, which in node knows no files.
const fetchFile = async (url) => new Response(await fs.promises.readFile(String(url).replace('file://', '')));

const PACKAGES = {
  // `predictExpressions`, the package's call for a face that is cropped already; it resizes to 112 by itself.
  '@vladmandic/face-api': async () => {
    const faceapi = load('@vladmandic/face-api/dist/face-api.node-wasm.js');
    const models = path.join(modules, '@vladmandic/face-api/model');
    await faceapi.nets.faceExpressionNet.loadFromDisk(models);
    const names = { fearful: 'fear', disgusted: 'disgust', surprised: 'surprise' };
    return {
      weights: path.join(models, 'face_expression_model.bin'),
      answer: async (face) => {
        const [first] = (await faceapi.nets.faceExpressionNet.predictExpressions(face)).asSortedArray();
        return names[first.expression] ?? first.expression;
      },
    };
  },
  // Its `detect` has no way around its detector, so its model gets what `src/gear/emotion.ts` makes of a found face.
  '@vladmandic/human': async () => {
    const models = path.join(modules, '@vladmandic/human/models');
    global.fetch = fetchFile;
    const model = await tf.loadGraphModel(`file://${models}/emotion.json`, { fetchFunc: fetchFile });
    const names = ['angry', 'disgust', 'fear', 'happy', 'sad', 'surprise', 'neutral'];
    const side = model.inputs[0].shape[2];
    const grey = [0.2989, 0.587, 0.114]; // as in `src/tfjs/constants.ts`
    return {
      weights: path.join(models, 'emotion.bin'),
      answer: async (face) => {
        const scores = tf.tidy(() => {
          const resized = tf.image.resizeBilinear(face.toFloat().div(255).expandDims(), [side, side]);
          return model.execute(resized.mul(grey).sum(3, true).sub(0.5).mul(2));
        });
        const shares = await scores.data();
        scores.dispose();
        return names[shares.indexOf(Math.max(...shares))];
      },
    };
  },
};

async function main() {
  wasm.setThreadsCount(1);
  wasm.setWasmPaths(path.join(modules, '@tensorflow/tfjs-backend-wasm/dist/'));
  await tf.setBackend('wasm');
  await tf.ready();
  const { weights, answer } = await PACKAGES[name]();
  const faces = fs.readFileSync(0);
  const answers = [];
  const milliseconds = [];
  for (let start = 0; start < faces.length; start += SIDE * SIDE) {
    const before = performance.now();
    const grey = tf.tensor3d(Int32Array.from(faces.subarray(start, start + SIDE * SIDE)), [SIDE, SIDE, 1], 'int32');
    const face = tf.concat([grey, grey, grey], 2);
    answers.push(await answer(face));
    milliseconds.push(performance.now() - before);
    tf.dispose([grey, face]);
  }
  const { version } = JSON.parse(fs.readFileSync(path.join(modules, name, 'package.json')));
  const backend = `tfjs ${tf.version.tfjs}, ${tf.getBackend()}, ${wasm.getThreadsCount()} thread`;
  const bytes = fs.statSync(weights).size;
  process.stdout.write(`\n${JSON.stringify({ answers, milliseconds, weights_bytes: bytes, version, backend })}\n`);
}

main();
