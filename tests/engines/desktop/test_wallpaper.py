"""The computed background."""

from soundstage.engines.desktop.wallpaper import HEIGHT, WIDTH, picture


def pixel(data: bytes, x: int, y: int) -> tuple[int, ...]:
    start = len(data) - 3 * WIDTH * HEIGHT + 3 * (y * WIDTH + x)
    return tuple(data[start : start + 3])


def test_it_is_a_whole_picture() -> None:
    data = picture()
    assert data.startswith(f"P6 {WIDTH} {HEIGHT} 255\n".encode())
    assert len(data) == len(f"P6 {WIDTH} {HEIGHT} 255\n") + 3 * WIDTH * HEIGHT


def test_it_is_dark_above_and_warm_below() -> None:
    data = picture()
    above, below = pixel(data, WIDTH // 2, 0), pixel(data, WIDTH // 2, HEIGHT - 1)
    assert sum(above) < 100
    assert below[0] > below[2] > above[2]


def test_it_is_symmetric() -> None:
    data = picture()
    assert pixel(data, 10, 50) == pixel(data, WIDTH - 11, 50)
