#!/bin/sh
# Keeps the background fitting: painted at the start, and again whenever the screen's size changes.
# Run by the starter. xprop sleeps until the window manager announces another size.
picture="$XDG_RUNTIME_DIR/wallpaper.ppm"
/usr/bin/python3 -I -S /opt/soundstage/wallpaper.py "$picture" || exit 1
xprop -spy -root _NET_DESKTOP_GEOMETRY | while read -r _; do
    # hsetroot ends the X client that this property names, as who painted last. The X server may have
    # given that number to another by then: the stream server's capture, or the window manager.
    xprop -root -remove _XROOTPMAP_ID
    hsetroot -cover "$picture"
done
