/* The test picture of `bench.stream`: something to stream, with facts in it that a page can read.
 *
 * Runs on the desktop that is measured. Reads orders from the pipe named by its argument, a line
 * each, "WIDTH HEIGHT RATE": the size of the moving part, and how often a second it changes (0 is
 * never). The window covers the whole screen. On it are
 *   - the moving part, in the top left corner: FRAMES pictures of drifting colours with some grain,
 *     which neither repeat nor merely shift, so that no codec gets off cheaply;
 *   - the frame's number in the top left corner, 16 cells of 16 pixels, lowest bit first;
 *   - a block in its middle that changes between blue and yellow at each key press.
 */
#include <X11/Xlib.h>
#include <X11/Xutil.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { FRAMES = 20, CELL = 16, BITS = 16, BLOCK = 160, GRAIN = 256 };

static Display *display;
static Window window;
static GC gc;
static Pixmap frames[FRAMES];
static unsigned char grain[GRAIN][GRAIN];
static int width, height, rate;
static unsigned shown;
static int is_yellow;

static double now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec + at.tv_nsec / 1e9;
}

static unsigned channel(double wave, int noise)
{
    int value = (int)(128 + 84 * wave) + noise;
    return value < 0 ? 0 : value > 255 ? 255 : (unsigned)value;
}

/* One picture. The sines of a row and of a column are taken once each, not once a pixel. */
static void paint(unsigned *pixels, int number)
{
    double turn = 2 * M_PI * number / FRAMES;
    double *across = malloc((size_t)width * 2 * sizeof *across);
    for (int x = 0; x < width; x++) {
        across[2 * x] = sin(7.0 * x / width + turn);
        across[2 * x + 1] = sin(3.0 * x / width - 2 * turn);
    }
    for (int y = 0; y < height; y++) {
        double down = sin(5.0 * y / height + turn), slope = sin(11.0 * y / height - turn);
        const unsigned char *row = grain[(y + 31 * number) % GRAIN];
        for (int x = 0; x < width; x++) {
            int noise = row[(x + 57 * number) % GRAIN];
            double a = across[2 * x], b = across[2 * x + 1];
            *pixels++ = channel(a * down, noise) << 16 | channel(b, noise) << 8 |
                        channel((b + slope) / 2, noise);
        }
    }
    free(across);
}

static void prepare(void)
{
    int screen = DefaultScreen(display), depth = DefaultDepth(display, screen);
    char *pixels = malloc((size_t)width * height * 4);
    XImage *image = XCreateImage(display, DefaultVisual(display, screen), depth, ZPixmap, 0, pixels,
                                 width, height, 32, 0);
    for (int at = 0; at < FRAMES; at++) {
        if (frames[at])
            XFreePixmap(display, frames[at]);
        paint((unsigned *)pixels, at);
        frames[at] = XCreatePixmap(display, window, width, height, depth);
        XPutImage(display, frames[at], gc, image, 0, 0, 0, 0, width, height);
    }
    XDestroyImage(image);
}

static void draw_block(void)
{
    XSetForeground(display, gc, is_yellow ? 0xffff00 : 0x0000ff);
    XFillRectangle(display, window, gc, (width - BLOCK) / 2, (height - BLOCK) / 2, BLOCK, BLOCK);
}

static void draw_frame(void)
{
    XCopyArea(display, frames[shown % FRAMES], window, gc, 0, 0, width, height, 0, 0);
    for (int bit = 0; bit < BITS; bit++) {
        XSetForeground(display, gc, shown >> bit & 1 ? 0xffffff : 0);
        XFillRectangle(display, window, gc, bit * CELL, 0, CELL, CELL);
    }
    draw_block();
    XFlush(display);
}

/* Takes the last whole line of what has come. */
static int obey(int orders)
{
    char text[256];
    ssize_t count = read(orders, text, sizeof text - 1);
    if (count <= 0)
        return 0;
    text[count] = 0;
    if (sscanf(text, "%d %d %d", &width, &height, &rate) != 3)
        return 0;
    XClearWindow(display, window);
    prepare();
    draw_frame();
    return 1;
}

static void hear_keys(void)
{
    while (XPending(display)) {
        XEvent event;
        XNextEvent(display, &event);
        if (event.type == KeyPress) {
            is_yellow = !is_yellow;
            draw_block();
            XFlush(display);
        } else if (event.type == Expose && width) {
            draw_frame();
        }
    }
}

static void open_window(void)
{
    int screen = DefaultScreen(display);
    XSetWindowAttributes wanted = {.override_redirect = 1,
                                   .background_pixel = 0x606060,
                                   .event_mask = KeyPressMask | ExposureMask};
    /* Larger than any screen: the stream may resize it. */
    window = XCreateWindow(display, RootWindow(display, screen), 0, 0, 2560, 1440, 0, CopyFromParent,
                           InputOutput, CopyFromParent,
                           CWOverrideRedirect | CWBackPixel | CWEventMask, &wanted);
    gc = XCreateGC(display, window, 0, NULL);
    XSetGraphicsExposures(display, gc, False);
    XMapRaised(display, window);
    XSync(display, False);
    XGrabKeyboard(display, window, False, GrabModeAsync, GrabModeAsync, CurrentTime);
    XFlush(display);
}

int main(int count, char **words)
{
    int orders = count == 2 ? open(words[1], O_RDWR) : -1;
    display = XOpenDisplay(NULL);
    if (orders < 0 || !display) {
        fprintf(stderr, "motion: no orders or no display\n");
        return 1;
    }
    srand(1);
    for (int y = 0; y < GRAIN; y++)
        for (int x = 0; x < GRAIN; x++)
            grain[y][x] = (unsigned char)(rand() % 12);
    open_window();
    double next = now();
    for (;;) {
        hear_keys();
        double wait = next - now();
        if (rate && wait <= 0) {
            shown++;
            draw_frame();
            next = wait < -1 ? now() : next + 1.0 / rate;
            continue;
        }
        struct pollfd sources[] = {{ConnectionNumber(display), POLLIN, 0}, {orders, POLLIN, 0}};
        poll(sources, 2, rate ? (int)(wait * 1000) + 1 : -1);
        if (sources[1].revents && obey(orders))
            next = now();
    }
}
