export type Image = { type: 'image/png' | 'image/jpeg' | 'image/gif' | 'image/webp'; width: number; height: number };

/** The frame header of a JPEG, which holds its size. */
const jpegSize = (bytes: Buffer): Pick<Image, 'width' | 'height'> => {
  let at = 2;
  while (at + 9 < bytes.length && bytes[at] === 0xff) {
    const marker = bytes[at + 1] ?? 0;
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) return { height: bytes.readUInt16BE(at + 5), width: bytes.readUInt16BE(at + 7) };
    at += 2 + bytes.readUInt16BE(at + 2);
  }
  return { width: 0, height: 0 };
};

const webpSize = (bytes: Buffer): Pick<Image, 'width' | 'height'> =>
  bytes.toString('latin1', 12, 16) === 'VP8X'
    ? { width: bytes.readUIntLE(24, 3) + 1, height: bytes.readUIntLE(27, 3) + 1 }
    : { width: 0, height: 0 };

/** The type and the size in pixels (0 if unknown), by the first bytes. Null: not an image of these types. */
export const readImage = (bytes: Buffer): Image | null => {
  if (bytes.length < 30) return null;
  if (bytes.readUInt32BE(0) === 0x89_50_4e_47) {
    return { type: 'image/png', width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
  }
  if (/^GIF8[79]a/.test(bytes.toString('latin1', 0, 6))) {
    return { type: 'image/gif', width: bytes.readUInt16LE(6), height: bytes.readUInt16LE(8) };
  }
  if (bytes.readUIntBE(0, 3) === 0xff_d8_ff) return { type: 'image/jpeg', ...jpegSize(bytes) };
  const isWebp = bytes.toString('latin1', 0, 4) === 'RIFF' && bytes.toString('latin1', 8, 12) === 'WEBP';
  return isWebp ? { type: 'image/webp', ...webpSize(bytes) } : null;
};
