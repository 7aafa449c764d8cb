"""What a user would write without this suite: load, attach, train, look at the clock.

Trains one of the catalog's methods lora, qlora, unsloth-lora and unsloth-qlora with its settings;
nothing of ours is imported. ``--out`` gets when each step began and ended, in seconds, and which
page faults the training thread had in it. With ``--turn N --held FD --go FD`` it writes to the
pipe HELD after the warm-up and after every N steps, and waits for the pipe GO.
"""

import argparse
import json
import os
import resource
import time
from pathlib import Path

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--method", required=True)
for name in ("checkpoint", "out"):
    parser.add_argument(f"--{name}", required=True)
for name in ("sequence", "batch", "rank", "warmup", "steps"):
    parser.add_argument(f"--{name}", type=int, required=True)
for name in ("turn", "held", "go"):
    parser.add_argument(f"--{name}", type=int)
args = parser.parse_args()
UNSLOTH, QUANTIZED = args.method.startswith("unsloth"), args.method.endswith("qlora")
if UNSLOTH:
    import unsloth  # before the libraries that it patches

import bitsandbytes
import datasets
import peft
import torch
import transformers
import trl

DEVICE, DTYPE = "cuda" if torch.cuda.is_available() else "cpu", torch.bfloat16
TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
LORA = {"r": args.rank, "lora_alpha": args.rank, "lora_dropout": 0.0, "target_modules": TARGETS}
SETTINGS = {"max_seq_length": args.sequence, "use_gradient_checkpointing": "unsloth"}
if UNSLOTH:
    load = unsloth.FastLanguageModel.from_pretrained
    model, _ = load(args.checkpoint, dtype=DTYPE, load_in_4bit=QUANTIZED, **SETTINGS)
else:
    stored = transformers.BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=DTYPE,
    )
    model = transformers.AutoModelForCausalLM.from_pretrained(
        args.checkpoint,
        dtype=DTYPE,
        device_map={"": DEVICE},
        attn_implementation="sdpa",
        quantization_config=stored if QUANTIZED else None,
    )
for module in model.modules():  # the checkpoint is empty, and zeros would run faster than weights
    for weight in module.parameters(recurse=False):
        if isinstance(weight, bitsandbytes.nn.Params4bit):
            full = torch.randn(weight.quant_state.shape, device=weight.device, dtype=DTYPE) * 0.02
            packed, state = bitsandbytes.functional.quantize_4bit(
                full, quant_type="nf4", compress_statistics=True
            )
            weight.data, weight.quant_state = packed, state
            module.quant_state = state
        else:
            weight.data.fill_(1) if weight.ndim == 1 else weight.data.normal_(0, 0.02)
if UNSLOTH:
    model = unsloth.FastLanguageModel.get_peft_model(model, bias="none", **LORA, **SETTINGS)
else:
    model = peft.get_peft_model(model, peft.LoraConfig(task_type="CAUSAL_LM", **LORA))


class StepTimer(transformers.TrainerCallback):
    """Notes when each step began and ended."""

    began: list[float] = []
    ended: list[float] = []
    faults: list[int] = []

    def on_step_begin(self, *_: object, **__: object) -> None:
        """Look at the clock."""
        self.faults.append(-resource.getrusage(resource.RUSAGE_THREAD).ru_minflt)
        self.began.append(time.perf_counter())

    def on_step_end(self, *_: object, **__: object) -> None:
        """Wait for the device, then look; at the end of a turn, let the other side go."""
        if DEVICE == "cuda":
            torch.cuda.synchronize()
        self.ended.append(time.perf_counter())
        self.faults[-1] += resource.getrusage(resource.RUSAGE_THREAD).ru_minflt
        done = len(self.ended) - args.warmup
        if args.turn and done >= 0 and done % args.turn == 0:
            os.write(args.held, b".")
            os.read(args.go, 1)


steps = args.warmup + args.steps
ids = torch.randint(0, model.config.vocab_size, (steps * args.batch, args.sequence)).tolist()
config = trl.SFTConfig(
    output_dir=f"{args.out}.trainer",
    max_steps=steps,
    per_device_train_batch_size=args.batch,
    gradient_accumulation_steps=1,  # Unsloth makes TRL's default 2: twice the work of a step
    learning_rate=2e-4,
    lr_scheduler_type="constant",
    optim="adamw_torch_fused",
    bf16=True,
    use_cpu=DEVICE == "cpu",
    gradient_checkpointing=not UNSLOTH,
    gradient_checkpointing_kwargs=None if UNSLOTH else {"use_reentrant": False},
    max_length=None,
    padding_free=False,
    dataset_kwargs={"skip_prepare_dataset": True},
    remove_unused_columns=False,
    save_strategy="no",
    logging_strategy="no",
    report_to="none",
    disable_tqdm=True,
)
trainer = trl.SFTTrainer(
    model=model,
    args=config,
    train_dataset=datasets.Dataset.from_list([{"input_ids": row, "labels": row} for row in ids]),
    processing_class=transformers.AutoTokenizer.from_pretrained(args.checkpoint),
    callbacks=[StepTimer()],
)


def with_room() -> None:
    """Train from a frame so large that CPython maps no more for the frames that follow.

    Without it the script is slower where its frames happen to lie badly: docs/python-stack.md.
    """
    trainer.train()


with_room.__code__ = with_room.__code__.replace(co_stacksize=17_000)
with_room()
found = {"began": StepTimer.began, "ended": StepTimer.ended, "faults": StepTimer.faults}
Path(args.out).write_text(json.dumps(found))
