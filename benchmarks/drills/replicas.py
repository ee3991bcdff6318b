"""Scale-out drill of the service: three replicas over one store in object storage, behind nginx; one is killed.

Clients search, and ask what new listings are, each waiting for its answers, while one replica after the other is
killed (-9) and started again. No request may fail, and every search must be answered as the engine itself does. Where
a replica does not answer, nginx asks the next one; new listings come by POST, which changes nothing here and is asked
again, too.
"""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.drills.jobs import done
from benchmarks.drills.object_store import commands
from benchmarks.drills.outcome import Outcome
from benchmarks.drills.place import Asked
from benchmarks.drills.storage import BUCKET, object_storage, wait_for_port
from benchmarks.serve.load import Expected, ask, expected_answers, fetch, queries
from benchmarks.serve.load import Outcome as Answers
from benchmarks.serve.shopservice import Service, free_port, service

REPLICAS, KILLS, CLIENTS = 3, 6, 6
BETWEEN_SECONDS = 4.0
NGINX = """
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {folder}/bodies;
    proxy_temp_path {folder}/answers;
    fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    upstream eclip {{
        least_conn;
{servers}
    }}
    server {{
        listen 127.0.0.1:{port};
        client_max_body_size 16m;
        location / {{
            proxy_pass http://eclip;
            proxy_connect_timeout 2s;
            proxy_next_upstream error timeout http_503;
        }}
        location ~ ^/(search|similar|enrich|match|instances) {{
            proxy_pass http://eclip;
            proxy_connect_timeout 2s;
            proxy_next_upstream error timeout http_503 non_idempotent;
        }}
    }}
}}
"""


def drills(asked: Asked) -> list[Outcome]:
    """Kill replicas under load."""
    outcome = Outcome(
        "replicas", f"one of {REPLICAS} replicas behind nginx, on one store at s3://, is killed under load"
    )
    if shutil.which("nginx") is None:
        outcome.skipped = "no nginx (apt install nginx-light)"
        return [outcome]
    folder = asked.fresh("replicas")
    with object_storage(folder / "caches") as storage, ExitStack() as stack:
        environment = storage.environment(folder / "caches", by_proxy=False)
        address = f"s3://{BUCKET}/replicas/store"
        for words in (commands(asked.shop, address)[0], commands(asked.shop, address)[2]):
            done(*words, environment=environment)
        expected = expected_answers(asked.shop.embedded, asked.shop.model, queries(6, asked.seed))
        ports = [free_port() for _ in range(REPLICAS)]
        replicas = [stack.enter_context(replica(address, asked.shop.fitted, folder, port)) for port in ports]
        url = stack.enter_context(nginx(folder, ports))
        kills = 1 if asked.is_small else KILLS
        answers = Answers()
        for number in range(kills):
            victim = number % REPLICAS
            found = asyncio.run(loaded(url, expected, replicas[victim]))
            answers.kinds.update(found.kinds)
            answers.seconds += found.seconds
            faults = [*found.wrong, *(f"{count} times {kind}" for kind, count in found.kinds.items() if kind != "200")]
            outcome.tell(f"replica {victim} killed, {found.kinds['200']} answers", faults, "killed")
            if number + 1 < kills:
                replicas[victim] = stack.enter_context(replica(address, asked.shop.fitted, folder, ports[victim]))
    failed = sum(count for kind, count in answers.kinds.items() if kind != "200")
    outcome.note = f"{failed} of {sum(answers.kinds.values())} requests failed"
    return [outcome]


@contextmanager
def replica(address: str, model: Path, folder: Path, port: int) -> Iterator[Service]:
    """One `eclip serve`."""
    options = ("--port", str(port), "--backend", "torch")
    with service(address, model, folder / f"{port}.log", options=options) as running:
        yield running


async def loaded(url: str, expected: Expected, victim: Service) -> Answers:
    """Clients for some seconds before and after the kill: what came back."""
    answers, ended, texts = Answers(), asyncio.Event(), list(expected)

    async def client(number: int) -> None:
        draw = random.Random(number)
        while not ended.is_set():
            if number % 3 == 2:
                await post_listing(url, answers)
            else:
                await ask(url, draw.choice(texts), expected, answers)

    clients = [asyncio.create_task(client(number)) for number in range(CLIENTS)]
    await asyncio.sleep(BETWEEN_SECONDS)
    victim.process.send_signal(signal.SIGKILL)
    await asyncio.sleep(BETWEEN_SECONDS)
    ended.set()
    await asyncio.gather(*clients)
    return answers


async def post_listing(url: str, answers: Answers) -> None:
    """Ask what the model says of a new listing."""
    body = json.dumps({"listings": [{"product_id": "new", "title": "red linen shirt"}]}).encode()
    try:
        status, _, said = await asyncio.wait_for(fetch(url, "/enrich", body=body), 60)
    except (OSError, TimeoutError, ValueError, IndexError) as fault:
        answers.kinds[f"lost ({type(fault).__name__})"] += 1
        return
    answers.kinds[str(status)] += 1
    if status == 200 and [each["product_id"] for each in json.loads(said)["listings"]] != ["new"]:
        answers.wrong.append(f"/enrich: {said[:200]!r}")


@contextmanager
def nginx(folder: Path, ports: list[int]) -> Iterator[str]:
    """The proxy before the replicas, in the foreground; yields its address."""
    port, file = free_port(), folder / "nginx.conf"
    servers = "\n".join(f"        server 127.0.0.1:{each} max_fails=1 fail_timeout=2s;" for each in ports)
    file.write_text(NGINX.format(folder=folder, servers=servers, port=port))
    process = subprocess.Popen(["nginx", "-c", str(file), "-p", str(folder), "-g", "daemon off;"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    try:
        wait_for_port(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)
