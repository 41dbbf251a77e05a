"""A program whose threads write to one bank while it forks, and what each of its writers says."""

FORKING_SCRIPT = """
import os, sys, threading, memkit
from memkit.encoders.hashing import HashingEncoder
store = memkit.open(sys.argv[1], encoder=HashingEncoder())
bank = store.bank("shared")

def say(me, count):
    for n in range(count):
        bank.observe([memkit.Turn(f"Worker {me} says word number {n}", f"w{me}", id=f"{me}-{n}")])
        bank.recall("worker says word", min_score=0)

say(99, 1)  # Python itself can't fork in the midst of another thread's import
threads = [threading.Thread(target=say, args=(me, 30)) for me in range(3)]
for thread in threads:
    thread.start()
children = []
for me in range(3, 7):
    child = os.fork()
    if not child:
        say(me, 15)
        os._exit(0)
    children.append(child)
    say(me + 10, 5)
codes = [os.waitpid(child, 0)[1] for child in children]
for thread in threads:
    thread.join()
store.close()
sys.exit(max(codes))
"""
FORKED_COUNTS = {  # of what each writer says
    99: 1,
    **dict.fromkeys(range(3), 30),
    **dict.fromkeys(range(3, 7), 15),
    **dict.fromkeys(range(13, 17), 5),
}
