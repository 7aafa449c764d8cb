"""What publishing takes out of a text, kind by kind, and what only looks like it and stays.

No secret here is real. Tokens are put together, so that no scanner takes this file for a leak.
"""

import re
import tomllib
from collections.abc import Iterator

import msgspec
import pytest

from suite.paths import ROOT
from suite.results.record import Record, seal
from suite.results.redaction import identities, rules
from suite.results.redaction.identities import Identities
from suite.results.redaction.scrub import Scrubber, learned, scrub
from suite.results.storage.run_folder import read
from support import gpu_records, records

PUBLISHED = ROOT / "reports" / "results"

HF = "hf" + "_" + "A" * 34
GITHUB = "gh" + "p_" + "B" * 36
RANDOM = "hJ0PNy9f3R1y8TJ" + "rfkSeLkvGjj1"
JWT = "ey" + "JhbGciOiJIUzI1NiJ9.ey" + "JzdWIiOiIxMjM0In0.abc-DEF_123"
UUID = "3f2a1b4c-1234-5678-9abc-def012345678"

#: Kind to (text, what must be gone of it).
GOES = {
    "token": [
        (f"login with {HF}.", HF),
        (GITHUB, GITHUB),
        ("github" + "_pat_" + "a1" * 20, "a1a1"),
        ("sk" + "-proj-" + "c" * 24, "cccc"),
        ("sk" + "-" + "c1" * 20, "c1c1"),
        ("key AK" + "IA" + "D" * 16, "DDDD"),
        ("xo" + "xb-123456789012-abcdefghij", "abcdef"),
        (f"cookie={JWT}", "eyJ"),
        ("Authorization: Bear" + "er abc.def.ghi", "abc.def"),
        ("Bear" + "er abcdef123456", "abcdef"),
        ('curl -H "Authorization: token abcdef1234"', "abcdef"),
        ("gl" + "pat-abcdefghij1234567890", "abcdef"),
        ("nv" + "api-" + "x" * 40, "xxxx"),
        # Of an issuer that no list has: by what the word is made of.
        ("new" + "co_" + RANDOM, RANDOM),
        ("zz" + "-v2-" + RANDOM + "-" + RANDOM, RANDOM),
        ("abcd_" + "0123456789abcdef" * 2, "789a"),
        ("ABCD-" + "0A1B2C3D4E5F6" * 2, "C3D4"),
        ("wandb key " + "0f1e2d3c4b" * 4, "0f1e"),
    ],
    "private key": [
        ("-----BEGIN OPENSSH PRIVATE " + "KEY-----\nb3Bl\n", "BEGIN"),
        ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI", "AAAAC3"),
    ],
    "secret": [
        ("HF_TOKEN=abcdefgh12345", "abcdefgh"),
        ("export WANDB_API_KEY=" + "0123456789" * 4, "0123456789"),
        ('{"password": "x y"}', "x y"),
        ("password is hunter2", "hunter2"),
        ("--password hunter2 --lr 3", "hunter2"),
        ("DB_PASS=hunter2", "hunter2"),
        ("x-api-key: abcdef", "abcdef"),
        ("client_secret='abc def'", "abc def"),
        ("AccountKey=abc123==;x", "abc123"),
        ("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY1", "wJalr"),
        ("os.environ['HF_TOKEN'] = 'abcdefgh'", "abcdefgh"),
        ("machine api.x login ada password hunter22", "hunter22"),
        ("curl -u ada:hunter22 x", "hunter22"),
        ("docker login -u ada -p hunter22 x", "hunter22"),
        ("COMET_API_KEY abcdefgh1234", "abcdefgh"),
        ("--token 'abc defghi'", "defghi"),
        ("API key provided: abcdefgh12", "abcdefgh"),
        ("SECRET_KEY_BASE=abcdefgh", "abcdefgh"),
        ("Basic dXNlcjpwYXNzd29yZA==", "dXNl"),
    ],
    "credentials in a URL": [
        ("http://somebody:hunter22@proxy.example:3128", "hunter22"),
        ("git+https://abcdefgh@github.com/x/y", "abcdefgh"),
        ("postgres://u:p/w@db/x", "p/w"),
        ("https://huggingface.co/x?Expires=1&Signature=abc~def", "abc~def"),
        ("ada:hunter2@db.lab:5432", "hunter2"),
        ("https%3A%2F%2Fada%3Ahunter2%40host", "hunter2"),
        ("SharedAccessSignature=sv=1&sig=abc%3D", "abc%3D"),
    ],
    "mail address": [
        ("some.body@corp.example", "body"),
        ("Ada <ada+x@uni-x.de>", "ada+x"),
        ("жанна@пример.рф", "жанна"),
    ],
    "account on a host": [("ssh ada@gpu17", "gpu17"), ("rsync ada@gpu17:/data/x .", "gpu17")],
    "UUID": [
        (f"GPU-{UUID}", UUID),
        (f"MIG-GPU-{UUID}/1/0", "MIG"),
        (UUID.upper(), "3F2A"),
        ("CUDA_VISIBLE_DEVICES=GPU-3f2a1b4c", "3f2a"),
        ("machine-id: " + "0123abcd" * 4, "0123abcd"),
        ("uuid=" + UUID.replace("-", ""), "3f2a"),
        (UUID.replace("-", "_"), "3f2a"),
        ("container id: 3f2a1b4c1234", "3f2a"),
    ],
    "account of a cloud": [
        ("arn:aws:iam::123456789012:role/x", "1234567"),
        ("AWS account 123456789012", "1234567"),
        ("vol-0abcd1234ef567890", "abcd"),
    ],
    "serial number": [
        ("Serial Number : 1323423012345", "1323423"),
        ("S/N 032441801", "0324"),
        ("board_serial: ABC12345", "ABC12345"),
    ],
    "hardware address": [
        ("aa:bb:cc:dd:ee:ff", "bb:cc"),
        ("AA-BB-CC-DD-EE-0F", "BB-CC"),
        ("001b.6384.45e6", "6384"),
        ("80:00:02:08:fe:80:00:00:00:02:c9:03", "c9:03"),
        ("mac=001b638445e6", "6384"),
    ],
    "IP address": [
        ("10.1.2.3:29500", "10.1"),
        ("gateway 8.8.8.8.", "8.8"),
        ("fe80::1ff:fe23:4567:890a%eth0", "fe80"),
        ("2001:db8::1 and [2001:db8:0:0:0:0:0:1]:443", "2001"),
        ("::ffff:10.0.0.1", "10.0"),
        ("172.16.5.9_29500 to job-172.16.5.9-x", "172.16"),
        ("cuda 10.1.2.3:29500", "10.1"),
    ],
    "host name": [
        ("node gpu17.corp.internal", "gpu17"),
        ("login.cluster.uni-x.de refused", "uni-x"),
        ("tcp://gpu17:29500", "gpu17"),
        ("s3://acme-bucket/data/x.bin", "acme"),
        ("https://hooks.example-chat.com/services/T0/B0/X", "T0"),
        ("ip-10-1-2-3.ec2.internal", "10-1"),
        ("SLURM_JOB_NODELIST=dgx[01-04],login1", "dgx"),
        ("job 5 on dgx[01-04,07]", "dgx"),
        ("DESKTOP-AB12CD3", "AB12"),
        ("nas.lan", "nas"),
    ],
    "path": [
        ("PATH=/usr/bin:/home/ada/bin", "ada"),
        ("file:///home/ada/model.safetensors", "ada"),
        ("open('/home/some body/x')", "body"),
        ("C:\\Users\\Ada Lovelace\\AppData\\x.txt", "Ada"),
        ("C:\\\\Users\\\\ada\\\\model", "ada"),
        ("C:/Users/ada/model.bin", "ada"),
        ("\\\\fileserver\\share\\ada\\x", "fileserver"),
        ("/scratch/ada/run7/out", "ada"),
        ("/scratch/ada", "ada"),
        ('File "/data/ada/proj/train.py", line 3', "ada"),
        ("~ada/x", "ada"),
        ("/mnt/ada", "ada"),
        ("/srv/people/ada.lovelace", "lovelace"),
        ("/tmp/torchinductor_ada", "ada"),
    ],
    "home folder": [
        ("/home/ada/model.bin", "ada"),
        ("-I/home/ada/include", "ada"),
        ("/home/some body/x", "body"),
        ("/mnt/c/Users/ada/x", "ada"),
        ("/nfs/homes/ada/run", "ada"),
        ("/home/жданов/x", "жданов"),
        ("/home//ada/x", "ada"),
        ("cache in /home/ada", "ada"),
        ("/Users/ada", "ada"),
        ("/export/home/ada", "ada"),
        ("~ada", "ada"),
        ("home/ada/.cache/hf", "ada"),
        ("%2Fhome%2Fada%2Fx", "ada"),
        ("%252Fhome%252Fada", "ada"),
        ("/home/uni/ada", "ada"),
        ("x -home-ada-src", "ada"),
    ],
}

STAYS = [
    "driver 580.159.04, suite 1.2.3, torch==2.11.0+cu130",
    "nvidia-cublas==13.1.0.3 and cudnn 9.10.2.21, tensorrt version 10.0.1.6",
    "VBIOS 96.00.A5.00.1A, PCI 00000000:3B:00.0",
    "12 token/s at 3/4 load, and/or openai/gpt-oss",
    "num_tokens: '1.802e+06', max_new_tokens=20, eos_token_id=151645",
    "pad_token=<|endoftext|> tokenizer=Qwen2TokenizerFast use_auth_token=None",
    "Token indices sequence length is longer than the maximum",
    "Bearer tokens are not used, secret sauce, basic arithmetic",
    "scikit-learn, sk-learn, task-specific-fine-tuning-runs and hf_hub_download",
    "std::bad_alloc in c10::cuda at::Tensor",
    "x[::2] and tokens[1::2]",
    "at 07:00:00, 2026-11-24T07:00:00Z, after 0:08",
    "hub Qwen/Qwen3-8B@0123456789abcdef0123456789abcdef01234567",
    "actions/checkout@v4 and python@sha256:" + "a" * 64,
    "git+https://github.com/unslothai/unsloth@main",
    "see https://example.org/a/b/c and https://github.com/home/x",
    "compute/accelerator @744d01e",
    "@torch.no_grad() def f(self): return self.model.to(device)",
    "transformers.models.qwen3.modeling_qwen3.Qwen3ForCausalLM.forward",
    "loss = self.base.net.forward(x); self.a.b.io(x)",
    "about ~5 GiB, ~half of it, ~3x",
    "node 3 of 4, host memory 12 GiB, server error 500",
    "20261125T022700Z-64f70199",
    "serialization of 12345 tensors",
    "cuda:0, rank 0, [rank0]:[W1127 10:00:00.123456 socket.cpp:697]",
    "Linux-6.18.44-fc-v657-gpu-x86_64-with-glibc2.39",
    "model-00001-of-00005.safetensors, libcudart.so.13.0, libc.so.6",
    "2e53ff91e8af49a13ed1386b6e994a0503c473d94f91e9593fe946ef9115c2d2",
    "key 'adapter.use_dora'; KeyError: 'weight'",
    "torch 2.11.0.dev20261101 has 79.18 GiB of which 674.19 MiB is free",
    '  File ".../life.py", line 61, in live',
    "at commit 0123456789abcdef0123456789abcdef01234567",
    "DINOv3ViTGatedMLP, GptOss120bForCausalLM and Qwen2_5_VLForConditionalGeneration",
    "N5torch2nn10LPPoolImplILm2ENS0_12LPPool2dImplEEE",
    "_ZN2at6native29vectorized_elementwise_kernelILi4ENS0_11FillFunctorIfEESt5arrayIPcLm1EEEE",
    "cutlass_80_tensorop_bf16_s16816gemm_relu_bf16_256x128_32x3_tn_align8",
    "layers[0-31] and Unexpected token 'import'",
]


def redacted(text: str, table: tuple[rules.Rule, ...] = rules.RULES) -> str:
    for rule in table:
        text = rule.pattern.sub(rule.replacement, text)
    return text


@pytest.mark.parametrize(
    ("kind", "text", "gone"),
    [(kind, text, gone) for kind, pairs in GOES.items() for text, gone in pairs],
)
def test_each_kind_goes_in_every_spelling(kind: str, text: str, gone: str) -> None:
    """What identifies is gone, in the middle of a line as well, and once more changes nothing."""
    for line in (text, f'said "{text}"', f"at {text} and so on"):
        done = redacted(line)
        assert gone not in done
        assert redacted(done) == done
    taken = Scrubber(Identities())
    taken.scrub(records.record(output_tail=(text,)))
    assert kind in {each.kind for each in taken.taken}


@pytest.mark.parametrize("text", STAYS)
def test_what_only_looks_like_it_stays(text: str) -> None:
    """Versions, counts of tokens, slices, modules and public addresses are what a record says."""
    assert redacted(text) == text


def _catalog() -> Iterator[tuple[str, str]]:
    """Yield the key and the text of everything that a catalog file of this repository says."""
    files = [
        *(ROOT / "hardware_profiles").glob("*.toml"),
        *(ROOT / "suite/catalog").rglob("*.toml"),
    ]
    heap: list[tuple[str, object]] = [("", tomllib.loads(file.read_text())) for file in files]
    while heap:
        key, value = heap.pop()
        if isinstance(value, dict):
            heap += value.items()
        elif isinstance(value, list):
            heap += [(key, item) for item in value]
        elif isinstance(value, str):
            yield key, value


def test_the_catalog_goes_into_a_published_record_as_it_is() -> None:
    """A record holds its profile, model and method: their sources are pages of the web."""
    texts = list(_catalog())
    assert len(texts) > 500
    for key, text in texts:
        table = rules.SOURCE_RULES if key == "source" else rules.RULES
        assert redacted(text, table) == text


@pytest.mark.parametrize(
    "source", ["https://wiki.acme.internal/gpus", "http://intranet/gpus", "see nas1.lab.corp"]
)
def test_a_source_inside_a_company_goes(source: str) -> None:
    """Only what anybody can look up is a source."""
    done = redacted(source, rules.SOURCE_RULES)
    assert "HOST" in done
    assert not re.search("acme|intranet|nas1", done)


def test_a_host_called_as_its_card_renames_no_card() -> None:
    """The GPU's name is what the driver says, whatever the machine is called."""
    record = gpu_records.record(notes=("on h200",))
    assert "h200" not in learned([record], known=Identities(hosts=frozenset({"h200"}))).hosts
    done = Scrubber(Identities(hosts=frozenset({"h200"}))).scrub(record)
    assert done.environment.gpu == record.environment.gpu
    assert done.notes == ("on HOST",)


@pytest.mark.parametrize(
    ("path", "left"),
    [
        ("/usr/bin/nvcc", ".../nvcc"),
        ("/mnt/x/aten/src/Relu.cpp", ".../Relu.cpp"),
        ("/mnt/x/libfoo.so.13.0", ".../libfoo.so.13.0"),
        ("/mnt/x", ".../FOLDER"),
    ],
)
def test_of_a_path_a_files_or_programs_name_stays(path: str, left: str) -> None:
    """Another last part may be whose folder it is."""
    assert redacted(f"in {path}.") == f"in {left}."


def test_every_rule_has_an_example() -> None:
    """A kind without a text here could break unseen."""
    assert {rule.kind for rule in rules.RULES} == set(GOES)


def test_published_records_are_clean_already() -> None:
    """No rule and no learned name changes a record or plan that lies in the repository."""
    found = read([PUBLISHED])
    scrubber = Scrubber(learned([*found.records, *found.plans]))
    for record in found.records:
        assert scrubber.scrub(record) == record
    for plan in found.plans:
        assert scrubber.scrub(plan) == plan
    assert scrubber.taken == ()


@pytest.mark.parametrize(
    ("says", "name"),
    [
        ("cache in /home/somebody", "somebody"),
        ("USER=somebody", "somebody"),
        ("wandb: Currently logged in as: somebody (team)", "somebody"),
        ("C:\\Users\\somebody\\x", "somebody"),
        ("uid=1000(somebody) gid=1000", "somebody"),
        ("gpu17:12345:12399 [0] NCCL INFO Bootstrap", "gpu17"),
        ("srun: error: dgx-03: task 0: Killed", "dgx-03"),
        ("slurmstepd: error: *** JOB 123 ON nid003921 CANCELLED AT", "nid003921"),
        ("Nov 27 21:02:01 gpu17 kernel: NVRM: Xid", "gpu17"),
        ("cannot connect to [gpu17]:29500", "gpu17"),
        ("tcp://gpu17:29500", "gpu17"),
        ("running on node gpu17", "gpu17"),
        ("NodeList=rack3gpu07", "rack3gpu07"),
        ("nas01:/export/x on /mnt", "nas01"),
        ("root@3f2a1b4c1234:/workspace#", "3f2a1b4c1234"),
        ("owner: somebody", "somebody"),
        ("chown somebody:somebody x", "somebody"),
        ("drwxr-xr-x 2 somebody users 1 ./", "somebody"),
        ("models--home--somebody", "somebody"),
    ],
)
def test_a_name_that_a_text_gives_away_goes_everywhere(says: str, name: str) -> None:
    """Whoever publishes need not be who measured: the record itself says whose name it is."""
    tail = (says, f"on {name.upper()}, in {name}_run and {name}.log; a{name}b stays")
    done = scrub(records.record(output_tail=tail, notes=(f"seen on {name}",)))
    text = " ".join([*done.output_tail, *done.notes])
    assert name not in text.replace(f"a{name}b", "")
    assert name.upper() not in text
    assert f"a{name}b stays" in text


@pytest.mark.parametrize(
    "says", ["/home/ubuntu/x", "/home/lora/x", "/home/tiny-qwen3/x", "node 3", "host memory"]
)
def test_a_common_word_is_no_name(says: str) -> None:
    """A role, a method's or a model's name in a home folder changes no other text."""
    known = learned([records.record(output_tail=(says,))])
    assert known == Identities()


def test_a_users_name_renames_no_setting() -> None:
    """A user called as an optimizer or a method changes nothing that was asked for or measured."""
    record = records.record(notes=("lora of adam",))
    done = Scrubber(Identities(users=frozenset({"adam", "lora", "adamw"}))).scrub(record)
    assert done.notes == ("USER of USER",)
    assert done.case == record.case
    assert done.effective == record.effective
    assert (done.model, done.method, done.steps) == (record.model, record.method, record.steps)


def test_arguments_of_libraries_stay_and_what_identifies_in_them_goes() -> None:
    """A module's name is no host's; a folder that a later version adds to them is taken out."""
    stays = {"adapter.megatron_core": "megatron.core", "trainer.adam_beta2": 0.999}
    given = {**stays, "trainer.new": "/home/ada/cache", "trainer.key": HF}
    record = records.record(effective=records.effective(arguments=given))
    found = scrub(record).effective
    assert found is not None
    assert {name: found.arguments[name] for name in stays} == stays
    left = " ".join(str(found.arguments[name]) for name in given)
    assert "ada" not in left
    assert HF not in left


def test_the_hosts_own_names_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment names the user, a role among them does not count."""
    monkeypatch.setenv("USER", "alicesmith")
    monkeypatch.setenv("LOGNAME", "root")
    monkeypatch.setenv("HOME", "/export/people/asmith")
    assert {"alicesmith", "asmith"} <= identities.own().users
    assert "root" not in identities.own().users


@pytest.mark.parametrize("outcome", ["ok", "error"])
def test_of_a_workers_words_only_what_a_failure_needs_stays(outcome: str) -> None:
    """A good case's output and reason go; of a failed one the last lines stay."""
    tail = tuple(f"line {number}" for number in range(60))
    record = records.record(output_tail=tail, reason="words")
    if outcome == "error":
        record = records.failed(outcome="error", reason="words " * 400, output_tail=tail)
    scrubber = Scrubber(Identities())
    done = scrubber.trim(record)
    if outcome == "ok":
        assert (done.output_tail, done.reason) == ((), "")
    else:
        assert done.output_tail == tail[-20:]
        assert done.failure is not None
        assert len(done.failure.message) == 500
    assert scrubber.taken


def test_a_folder_of_weights_is_a_folder_and_no_more() -> None:
    """Neither the plan nor its command line says where somebody keeps a checkpoint."""
    plan = msgspec.structs.replace(
        records.plan(), weights="secret-project/v7", argv=("run", "--weights", "secret-project/v7")
    )
    done = Scrubber(Identities()).plan(plan)
    assert done.weights == "path"
    assert "secret" not in " ".join(done.argv)


def test_a_very_long_text_is_cut_before_rules_go_over_it() -> None:
    """A text of megabytes, which no suite writes, costs no minutes."""
    record = records.record(notes=("a.b:" * 1_000_000,))
    (note,) = scrub(record).notes
    assert len(note) < 10_000


def everywhere(text: str) -> Record:
    """Return a record with a text in each field that takes free text."""
    environment = msgspec.structs.replace(
        records.environment(),
        cpu=text,
        platform=text,
        unavailable={"gpu": text, text: "x"},
        container=records.container(runtime=text, engine_version=text),
    )
    return seal(
        msgspec.structs.replace(
            records.failed(outcome="error", reason=text, output_tail=(text,), notes=(text,)),
            environment=environment,
            weights=text,
        )
    )


@pytest.mark.parametrize("secret", [HF, f"GPU-{UUID}", "10.1.2.3", "ada@corp.example"])
def test_no_field_is_forgotten(secret: str) -> None:
    """Rules go over every text of a record, keys of tables among them."""
    done = scrub(everywhere(f"x {secret} y"))
    assert secret not in str(msgspec.to_builtins(done))
