"""The main job: a year of conversation remembered, asked about, faded and forgotten.

Run:   python demos/year.py          (the same as `memkit demo`; --help shows its options)
See:   a conversation that comes with memkit being observed with a progress bar; thoughts forming from it;
       ten questions with the turns that answer them, their dates and reasons; three questions that nothing
       answers; what fades as months pass, as a table and a plot; one answer erased to the last byte.
       The database and the plot lie in the folder memkit-demo/ afterwards.
"""

import sys

from memkit.cli import main

if __name__ == "__main__":
    main(["demo", *sys.argv[1:]])
