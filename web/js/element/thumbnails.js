// Small pictures of images, for the rows that are seen. Loaded with the first image; one is made at a
// time, since decoding a photograph takes memory.

const SIDE = 40;

let last = Promise.resolve();


// `isWanted` is asked when its turn has come; resolves to undefined where there is none.
export function thumbnailOf(file, isWanted) {
  const turn = last.then(() => (isWanted() ? draw(file) : undefined)).catch(() => undefined);
  last = turn;
  return turn;
}

async function draw(file) {
  const side = Math.round(SIDE * Math.min(devicePixelRatio || 1, 2));
  const image = await createImageBitmap(file, { resizeHeight: side * 2, resizeQuality: "medium" });
  const canvas = Object.assign(document.createElement("canvas"), { width: side, height: side });
  const scale = Math.max(side / image.width, side / image.height);
  const [width, height] = [image.width * scale, image.height * scale];
  canvas.getContext("2d").drawImage(image, (side - width) / 2, (side - height) / 2, width, height);
  image.close();
  return canvas;
}
