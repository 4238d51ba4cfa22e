"""Computes the desktop's background; run by `background.sh` with the place for the picture.

The picture is computed and small: it is smooth, so it may be stretched, and a start must not wait
for it. Written as PPM, which needs no library.
"""

import sys
from pathlib import Path

WIDTH, HEIGHT = 160, 90
# Dusk over a stage: deep blue above, warm light low in the middle.
TOP, BOTTOM, LIGHT = (16, 20, 38), (44, 38, 70), (214, 122, 84)


def picture() -> bytes:
    out = bytearray(f"P6 {WIDTH} {HEIGHT} 255\n".encode())
    for y in range(HEIGHT):
        down = y / (HEIGHT - 1)
        row = [TOP[i] + (BOTTOM[i] - TOP[i]) * down for i in range(3)]
        # A wide, flat ellipse of light whose centre lies just below the picture.
        dy = (1.12 - down) / 0.62
        for x in range(WIDTH):
            dx = (x / (WIDTH - 1) - 0.5) / 0.78
            near = max(0.0, 1.0 - dx * dx - dy * dy)
            glow = near * near * 0.62
            for i in range(3):
                value = row[i] + (LIGHT[i] - row[i]) * glow
                out.append(max(0, min(255, int(value + 0.5))))
    return bytes(out)


def main() -> None:
    Path(sys.argv[1]).write_bytes(picture())


if __name__ == "__main__":
    main()
