#!/bin/sh
echo "from a file of its own"
