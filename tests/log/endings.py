"""Logs of each kind, and what ended the run:
the beginning of its message, or None where it ended well."""
# ruff: noqa: E501

STEPS = "".join(
    f"2026-01-01 10:00:{n:02},123 INFO trainer.py:100] step {n} loss {3 - n / 100:.3f}\n"
    for n in range(60)
)
FRAME = '  File "/srv/{0}.py", line 12, in {1}\n    {2}\n'


def trace(message: str, name: str = "<module>", file: str = "train", code: str = "main()") -> str:
    """A traceback of one frame."""
    return "Traceback (most recent call last):\n" + FRAME.format(file, name, code) + message + "\n"


def before(prefix: str, text: str) -> str:
    """The text with a prefix before each line."""
    return "".join(prefix + line + "\n" for line in text.splitlines())


DIRECT = "\nThe above exception was the direct cause of the following exception:\n\n"
DURING = "\nDuring handling of the above exception, another exception occurred:\n\n"
OOM = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB."
ELASTIC = """\
E0101 10:00:09.123000 4242 torch/distributed/elastic/multiprocessing/api.py:882] failed (exitcode: 1) local_rank: 1 (pid: 77)
Traceback (most recent call last):
  File "/srv/bin/torchrun", line 8, in <module>
    sys.exit(main())
torch.distributed.elastic.multiprocessing.errors.ChildFailedError:
============================================================
train.py FAILED
------------------------------------------------------------
Root Cause (first observed failure):
[0]:
  rank      : 1 (local_rank: 1)
  exitcode  : {0} (pid: 77)
  error_file: <N/A>
============================================================
"""
RICH = """\
╭──────────────────── Traceback (most recent call last) ───────────────────────╮
│ /srv/train.py:12 in <module>                                                 │
│                                                                              │
│    9 from model import rotate                                                │
│   10                                                                         │
│ ❱ 12 rotate(q, cos)                                                          │
│                                                                              │
│ /srv/models/a_rather_long_folder_name/another_folder/rotary.py:31            │
│ in rotate                                                                    │
│                                                                              │
│   30 │   half = q.shape[-1] // 2                                             │
│ ❱ 31 │   return q * cos                                                      │
│ ╭───────── locals ──────────╮                                                │
│ │ cos = tensor([1.0])       │                                                │
│ ╰───────────────────────────╯                                                │
╰──────────────────────────────────────────────────────────────────────────────╯
RuntimeError: The size of tensor a (64) must match the size of tensor b (32) at
non-singleton dimension 3
"""
NOTEBOOK = """\
---------------------------------------------------------------------------
KeyError                                  Traceback (most recent call last)
Cell In[3], line 4
      2 def rope(c): return c["inv_freq"]
      3 def main(): return rope(x)
----> 4 main()

File /srv/rope.py:3, in main()
      2 import torch
----> 3 def main(): return rope(x)

KeyError: 'inv_freq'
"""
PIP = """\
Collecting flash-attn
  Downloading flash_attn-2.8.3.tar.gz (8.4 MB)
  Getting requirements to build wheel: finished with status 'error'
  error: subprocess-exited-with-error

  × Getting requirements to build wheel did not run successfully.
  │ exit code: 1
  ╰─> [18 lines of output]
      Traceback (most recent call last):
        File "<string>", line 21, in <module>
          import torch
      ModuleNotFoundError: No module named 'torch'
      [end of output]

  note: This error originates from a subprocess, and is likely not a problem with pip.
error: subprocess-exited-with-error
"""
BUILD = """\
building 'flash_attn_2_cuda' extension
x86_64-linux-gnu-gcc -c csrc/flash_api.cpp -o build/flash_api.o
csrc/flash_api.cpp:10:10: fatal error: Python.h: No such file or directory
   10 | #include <Python.h>
      |          ^~~~~~~~~~
compilation terminated.
error: command '/usr/bin/x86_64-linux-gnu-gcc' failed with exit code 1
ERROR: Failed building wheel for flash-attn
Failed to build flash-attn
"""
DIFF = """\
diff --git a/train.py b/train.py
@@ -10,4 +10,4 @@ def main():
-    raise RuntimeError("CUDA error: out of memory")
+    raise ValueError("no kernel image is available for execution on the device")
"""
CONFIG = """\
{'error_if_nonfinite': False, 'on_error': 'raise', 'warnings': [], 'max_errors': 0}
error_policy: raise
log_level: ERROR
val_error: 0.012
"""
BAR = "  5%|▌         | 3/50 [00:01<00:20,  2.31it/s]"

ENDINGS: dict[str, tuple[str, str | None]] = {
    "a traceback": (STEPS + trace("KeyError: 'labels'"), "KeyError: 'labels'"),
    "work alone": (STEPS, None),
    "a good end": (STEPS + "Training completed. Model saved to out/\n", None),
    "nothing": ("", None),
    "a handled exception, then work": (trace("ModuleNotFoundError: No module named 'triton'") + STEPS, None),
    "a handled exception, then another": (
        trace("ModuleNotFoundError: No module named 'triton'") + STEPS + OOM + "\n",
        OOM,
    ),
    "a web server that answers": (
        trace("ImportError: no xformers", "f") + "Running on local URL:  http://127.0.0.1:7860\n",
        None,
    ),
    "a bar that is drawn once more when all is over": (
        STEPS + trace(OOM) + "Steps:   0%|        | 0/980 [00:00<?, ?it/s]\n" + trace("CalledProcessError: 1", "run"),
        OOM,
    ),
    "a download's bar that is drawn once more": (
        STEPS + trace(OOM) + "model.safetensors: 100%|####| 6.85G/6.85G [01:52<00:00, 61.0MB/s]\n",
        OOM,
    ),
    "a bar that goes on": (trace(OOM, "f") + BAR + "\n", None),
    "a segmentation fault in another language": (STEPS + "段错误(吐核)\n", "段错误(吐核)"),
    "a build that warns and fails in one line": (
        "× python setup.py egg_info did not run successfully. setup.py:78: UserWarning: no nvcc. OSError: no CUDA_HOME\n",
        "× python setup.py egg_info did not run",
    ),
    "below a bar that was not ended": (STEPS + BAR + trace("ValueError: bad batch"), "ValueError: bad batch"),
    "bars with carriage returns": (
        "\r".join(f"{n}%|#  | {n}/90 [00:0{n % 9}<00:09, 9.1it/s]" for n in range(90)) + "\n" + trace(OOM),
        OOM,
    ),
    "direct cause": (
        trace("ImportError: x.so: undefined symbol: _ZN3c10", "load")
        + DIRECT
        + trace("RuntimeError: Failed to import llama because of the following error:\nx.so: undefined symbol: _ZN3c10"),
        "RuntimeError: Failed to import llama because of the following error: x.so: undefined symbol: _ZN3c10",
    ),
    "during handling": (trace("KeyError: 'a'", "f") + DURING + trace("TypeError: b"), "TypeError: b"),
    "a printed exception, then the one that nobody caught": (
        trace("ImportError: no flash_attn", "try_import") + trace("NameError: name 'rotate' is not defined"),
        "NameError: name 'rotate' is not defined",
    ),
    "two ranks": (
        before("[rank3]: ", trace("ValueError: rank three")) + before("[rank0]: ", trace("ValueError: rank naught")),
        "ValueError: rank three",
    ),
    "two ranks, interleaved": (
        "".join(
            a + b
            for a, b in zip(
                before("[rank1]: ", trace("ValueError: first")).splitlines(keepends=True),
                before("[rank0]: ", trace("RuntimeError: second")).splitlines(keepends=True),
            )
        ),
        "ValueError: first",
    ),
    "two ranks, by their clocks": (
        before("2026-01-01T10:00:09.000Z [rank0]: ", trace("RuntimeError: later"))
        + before("2026-01-01T10:00:05.000Z [rank1]: ", trace("RuntimeError: earlier")),
        "RuntimeError: earlier",
    ),
    "another rank goes on for a while": (
        STEPS + before("[rank1]: ", trace("ValueError: bad sample")) + STEPS[:300] + ELASTIC.format(1),
        "ValueError: bad sample",
    ),
    "NCCL times out after another rank's exception": (
        before("[rank1]: ", trace("ValueError: bad sample"))
        + "[rank0]:[E101 10:10:00.1 ProcessGroupNCCL.cpp:616] [Rank 0] Watchdog caught collective operation timeout\n"
        + before("[rank0]: ", trace("torch.distributed.DistBackendError: NCCL communicator was aborted on rank 0")),
        "ValueError: bad sample",
    ),
    "torchrun": (STEPS + trace("ValueError: NaN in rank 1") + ELASTIC.format(1), "ValueError: NaN in rank 1"),
    "torchrun, killed": (STEPS + ELASTIC.format(-9), "exitcode"),
    "a worker of DataLoader": (
        trace("KeyError: Caught KeyError in DataLoader worker process 0.")
        + "Original "
        + trace("KeyError: 'labels'", "_worker_loop", "worker"),
        "KeyError: 'labels'",
    ),
    "a process that torch spawned": (
        trace("torch.multiprocessing.spawn.ProcessRaisedException: \n\n-- Process 1 terminated with the following error:")
        + trace("RuntimeError: cos and sin differ", "_wrap", "spawn"),
        "RuntimeError: cos and sin differ",
    ),
    "a pool's worker": (
        'multiprocessing.pool.RemoteTraceback: \n"""\n'
        + trace("KeyError: 'freqs'", "worker", "pool")
        + '"""\n'
        + DIRECT
        + trace("KeyError: 'freqs'"),
        "KeyError: 'freqs'",
    ),
    "Ray": (
        before("(pid=77, ip=10.0.0.3) ", "ray::train() (pid=77)")
        + "Traceback (most recent call last):\n"
        + FRAME.format("main", "<module>", "ray.get(x)")
        + "ray.exceptions.RayTaskError(ValueError): ray::train() (pid=77, ip=10.0.0.3)\n"
        + FRAME.format("task", "train", "rotate()")
        + "ValueError: bad freqs\n",
        "ValueError: bad freqs",
    ),
    "a group": (
        "  + Exception Group Traceback (most recent call last):\n"
        '  |   File "/srv/a.py", line 6, in <module>\n  |     raise ExceptionGroup("several", es)\n'
        "  | ExceptionGroup: several (1 sub-exception)\n  +-+---------------- 1 ----------------\n"
        '    | Traceback (most recent call last):\n    |   File "/srv/a.py", line 4, in f\n    |     g()\n'
        "    | ValueError: the inner one\n    +------------------------------------\n",
        "ValueError: the inner one",
    ),
    "rich": (
        RICH,
        "RuntimeError: The size of tensor a (64) must match the size of tensor b (32) at non-singleton dimension 3",
    ),
    "a notebook": (NOTEBOOK, "KeyError: 'inv_freq'"),
    "an exception without a type of its own": ("tokenizer = load(path)\nException: no such variant at line 3\n", "Exception: no such"),
    "a launcher that names its own line": (
        STEPS + "[2026-01-01 10:02:00,123] [ERROR] [launch.py:321:sigkill_handler] ['/x/python', 'a.py'] exits with return code = 1\n",
        "[launch.py:321",
    ),
    "a workflow whose job was killed": (
        STEPS + "slurmstepd: error: Detected 2 oom_kill events in StepId=1.0.\n" + "resources: mem_mb=14000\n" * 20
        + "WorkflowError:\nAt least one job did not complete successfully.\n",
        "slurmstepd: error: Detected 2 oom_kill",
    ),
    "two loggers, one within the other": (
        before(
            "2026-01-01 10:02:00.123 [Error] (Process) (EngineCore pid=7) ERROR 01-01 10:02:00 [core.py:11] ",
            trace("ValueError: the cache is too small"),
        ),
        "ValueError: the cache",
    ),
    "a sweep of wandb": ("wandb: ERROR Run x1 errored: IndexError('list index out of range')\n" * 2, "wandb: ERROR Run"),
    "a logger of Go": (
        STEPS + 'time=2026-01-01T10:02:00.5+01:00 level=ERROR source=server.go:44 msg="llama runner terminated"\n',
        'msg="llama runner',
    ),
    "a syntax error": ('  File "/srv/a.py", line 1\n    def f(:\n          ^\nSyntaxError: invalid syntax\n', "SyntaxError"),
    "TorchScript": (
        trace("RuntimeError: The following operation failed in the TorchScript interpreter.\n"
              "Traceback of TorchScript (most recent call last):\nRuntimeError: CUDA driver error: a PTX JIT failed"),
        "RuntimeError: CUDA driver error",
    ),
    "a class without Error in its name": (trace("torch._dynamo.exc.Unsupported: call_function rotate"), "torch._dynamo.exc.U"),
    "a class of the user": (trace("mylib.BadRope: theta is negative"), "mylib.BadRope: theta"),
    "a name alone": (STEPS + trace("KeyboardInterrupt"), "KeyboardInterrupt"),
    "interrupted after an exception": (
        trace("ValueError: bad") + trace("KeyboardInterrupt", "wait"),
        "ValueError: bad",
    ),
    "an exception that was ignored": (
        "Exception ignored in: <function A.__del__ at 0x7f>\n" + trace("AttributeError: x", "__del__") + "saved\ndone\n",
        None,
    ),
    "vLLM": (
        before("(EngineCore_0 pid=17) ERROR 01-01 10:00:00 [core.py:400] ", trace("ValueError: no rope_type", "init"))
        + before("(APIServer pid=3) ", trace("RuntimeError: Engine core initialization failed. See root cause above.")),
        "ValueError: no rope_type",
    ),
    "an abort": ("Fatal Python error: Aborted\n\nCurrent thread 0x7f (most recent call first):\n"
                 '  File "/srv/kernel.py", line 3 in rotate\n  File "/srv/a.py", line 9 in <module>\n'
                 "Aborted (core dumped)\n", "Fatal Python error: Aborted"),
    "an exception of C++": (
        STEPS + "terminate called after throwing an instance of 'c10::Error'\n  what():  CUDA error: misaligned address\n"
        "Aborted (core dumped)\n",
        "terminate called after throwing an instance of 'c10::Error' what(): CUDA error: misaligned address",
    ),
    "the shell's word": (STEPS + "./run.sh: line 3: 12345 Segmentation fault      (core dumped) python a.py\n", "./run.sh"),
    "killed": (STEPS + "Killed\n", "Killed"),
    "the heap": (STEPS + "munmap_chunk(): invalid pointer\n", "munmap_chunk(): invalid pointer"),
    "LLVM": (STEPS + "LLVM ERROR: Failed to infer result type(s).\n", "LLVM ERROR"),
    "Metal": (STEPS + "/x/MPSCore/MPSNDArray.mm:850: failed assertion `[MPSNDArray init] buffer is not large enough'\n", "/x/MPS"),
    "fork on a Mac": (
        "objc[67]: +[NSString initialize] may have been in progress in another thread when fork() was called. Crashing\n",
        "objc[67]",
    ),
    "the system's memory": (STEPS + "Out of memory: Killed process 4242 (python) total-vm:1234kB\n", "Out of memory"),
    "out of a job's time": (STEPS + "slurmstepd: error: *** JOB 77 ON n1 CANCELLED AT 2026-01-01T10:00:00 DUE TO TIME LIMIT ***\n",
                            "slurmstepd: error: *** JOB 77"),
    "pip": (PIP, "ModuleNotFoundError: No module named 'torch'"),
    "a build": (BUILD, "csrc/flash_api.cpp:10:10: fatal error: Python.h"),
    "a report of ComfyUI": (
        "# ComfyUI Error Report\n- **Node Type:** Sampler\n- **Exception Message:** Flash attention is required.\n",
        "- **Exception Message:** Flash attention is required.",
    ),
    "a message below its colon": (
        "Error occurred when executing KSampler:\n\nmodule 'xformers._C' has no attribute 'varlen_fwd'\n",
        "Error occurred when executing KSampler: module 'xformers._C' has no attribute 'varlen_fwd'",
    ),
    "an error, then work": ("ERROR: could not fetch the tokenizer, retrying\n" + STEPS, None),
    "an error at the end": (STEPS + "2026-01-01 10:01:00,000 ERROR trainer.py:90] checkpoint is corrupt\n", "checkpoint is corrupt"),
    "a warning at the end": (STEPS + "/srv/a.py:3: UserWarning: lr_scheduler.step() before optimizer.step()\n", None),
    "lines after that clear up": (
        STEPS + trace("ValueError: bad") + "##[error]Process completed with exit code 1.\n" + "Post job cleanup.\n" * 40,
        "ValueError: bad",
    ),
    "lines of another program after what nobody caught": (
        STEPS + trace("ValueError: bad") + "".join(f"uploading artifact, part {n}\n" for n in range(400)),
        "ValueError: bad",
    ),
    "such lines after what somebody caught": (
        STEPS + trace("ValueError: bad", "load") + "".join(f"reading part {n}\n" for n in range(400)),
        None,
    ),
    "code in a search": ('a/test_x.py:10:    with pytest.raises(RuntimeError, match="CUDA error: device-side assert"):\n', None),
    "a change to code": (DIFF, None),
    "a change that holds a traceback": (
        DIFF.replace('RuntimeError("CUDA', 'RuntimeError("Fatal Python error: Aborted')
        + '+    "Fatal Python error: Aborted"\n+    Segmentation fault (core dumped)\n',
        None,
    ),
    "a configuration": (CONFIG + STEPS, None),
    "JSON of a container": (
        '{"log":"Traceback (most recent call last):\\n  File \\"/srv/a.py\\", line 1, in <module>\\n    f()\\n'
        'ValueError: in a string\\n","stream":"stderr"}\n',
        "ValueError: in a string",
    ),
}  # fmt: skip
