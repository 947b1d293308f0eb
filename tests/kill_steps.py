"""The beginning of a child's program that kills itself before its nth step: both drills count steps in the same way."""

COUNTED = """
import os, shutil, signal, sys
from pipeline import lake, lineage, settings

last, steps = int(sys.argv[1]), 0

def counted(work):
    def step(*args, **options):
        global steps
        steps += 1
        if steps == last:
            os.kill(os.getpid(), signal.SIGKILL)
        return work(*args, **options)
    return step
"""
