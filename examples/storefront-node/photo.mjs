// A photo to show, since an example has no camera: a small PNG, built by hand.

import { crc32, deflateSync } from "node:zlib";

const SIZE = 64;

/** The bytes of a PNG with a dark line across it. */
export function aPhoto() {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(SIZE, 0);
  header.writeUInt32BE(SIZE, 4);
  header[8] = 8; // bits of one channel, which is grey
  const rows = Array.from({ length: SIZE }, (_, y) =>
    Buffer.from([0, ...Array.from({ length: SIZE }, (_, x) => (Math.abs(x - y) < 4 ? 20 : 220))]),
  );
  return Buffer.concat([
    Buffer.from("89504e470d0a1a0a", "hex"),
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(Buffer.concat(rows))),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

function chunk(kind, data) {
  const named = Buffer.concat([Buffer.from(kind), data]);
  const framed = Buffer.alloc(8);
  framed.writeUInt32BE(data.length, 0);
  framed.writeUInt32BE(crc32(named) >>> 0, 4);
  return Buffer.concat([framed.subarray(0, 4), named, framed.subarray(4)]);
}
