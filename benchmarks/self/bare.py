"""What a user would write without this suite: load, attach, train, look at the clock.

``bare.py METHOD CHECKPOINT OUT SEQUENCE BATCH WARMUP TURN TURNS HELD GO``, METHOD lora or
unsloth-qlora, with the settings of the catalog's method of that name. Nothing of ours is
imported. OUT gets the end of every step in seconds, ``{"ends": [...]}``. After WARMUP steps, and
after each of TURNS times TURN, it writes to the pipe HELD and waits for the pipe GO.
"""

import json
import os
import sys
import time
from pathlib import Path

METHOD, CHECKPOINT, OUT = sys.argv[1:4]
SEQUENCE, BATCH, WARMUP, TURN, TURNS, HELD, GO = map(int, sys.argv[4:])
if METHOD == "unsloth-qlora":
    import unsloth  # before the libraries that it patches

import bitsandbytes
import datasets
import peft
import torch
import transformers
import trl

STEPS = WARMUP + TURN * TURNS
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
LORA = {"r": 16, "lora_alpha": 16, "lora_dropout": 0.0, "target_modules": TARGETS}
UNSLOTH = {"max_seq_length": SEQUENCE, "use_gradient_checkpointing": "unsloth"}
dtype = torch.bfloat16
if METHOD == "unsloth-qlora":
    load = unsloth.FastLanguageModel.from_pretrained
    model, _ = load(CHECKPOINT, dtype=dtype, load_in_4bit=True, **UNSLOTH)
else:
    load = transformers.AutoModelForCausalLM.from_pretrained
    model = load(CHECKPOINT, dtype=dtype, device_map={"": DEVICE}, attn_implementation="sdpa")
for module in model.modules():  # the checkpoint is empty, and zeros would run faster than weights
    for weight in module.parameters(recurse=False):
        if isinstance(weight, bitsandbytes.nn.Params4bit):
            full = torch.randn(weight.quant_state.shape, device=weight.device, dtype=dtype) * 0.02
            packed, state = bitsandbytes.functional.quantize_4bit(
                full, quant_type="nf4", compress_statistics=True
            )
            weight.data, weight.quant_state = packed, state
            module.quant_state = state
        else:
            weight.data.fill_(1) if weight.ndim == 1 else weight.data.normal_(0, 0.02)
if METHOD == "unsloth-qlora":
    model = unsloth.FastLanguageModel.get_peft_model(model, bias="none", **LORA, **UNSLOTH)
else:
    model = peft.get_peft_model(model, peft.LoraConfig(task_type="CAUSAL_LM", **LORA))


class Clock(transformers.TrainerCallback):
    """Notes when each step ended."""

    ends: list[float] = []

    def on_step_end(self, *_: object, **__: object) -> None:
        """Wait for the device, then look; at the end of a turn, let the other side go."""
        if DEVICE == "cuda":
            torch.cuda.synchronize()
        self.ends.append(time.perf_counter())
        if len(self.ends) >= WARMUP and (len(self.ends) - WARMUP) % TURN == 0:
            os.write(HELD, b".")
            os.read(GO, 1)


shape = (STEPS * BATCH, SEQUENCE)
ids = torch.randint(0, model.config.vocab_size, shape).tolist()
config = trl.SFTConfig(
    output_dir=f"{OUT}.trainer",
    max_steps=STEPS,
    per_device_train_batch_size=BATCH,
    gradient_accumulation_steps=1,  # Unsloth makes TRL's default 2: twice the work of a step
    learning_rate=2e-4,
    lr_scheduler_type="constant",
    optim="adamw_torch_fused",
    bf16=True,
    use_cpu=DEVICE == "cpu",
    gradient_checkpointing=METHOD == "lora",
    max_length=None,
    padding_free=False,
    dataset_kwargs={"skip_prepare_dataset": True},
    remove_unused_columns=False,
    save_strategy="no",
    logging_strategy="no",
    report_to="none",
    disable_tqdm=True,
)
trl.SFTTrainer(
    model=model,
    args=config,
    train_dataset=datasets.Dataset.from_list([{"input_ids": row, "labels": row} for row in ids]),
    processing_class=transformers.AutoTokenizer.from_pretrained(CHECKPOINT),
    callbacks=[Clock()],
).train()
Path(OUT).write_text(json.dumps({"ends": Clock.ends}))
