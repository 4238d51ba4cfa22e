#!/bin/sh
# Shows the menu of programs; run by the panel's button and by a right click on the background.
# The list comes by standard input, which keeps the menu from waiting for settings it has not.
jgmenu_run apps | exec jgmenu --simple --config-file=/opt/soundstage/jgmenurc "$@"
