"""What the first rank does between the steps of a run: try the model, write its figures, warn, keep checkpoints."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from eclip.console import say
from eclip.model.encoder import Encoder
from eclip.train.alarms import Alarms, overfitted, usual_alarms
from eclip.train.checkpoint import (
    Best,
    ModelChoice,
    Progress,
    best_up_to,
    checkpoint_files,
    load_best,
    save_best,
    save_checkpoint,
    step_of,
)
from eclip.train.config import TrainConfig
from eclip.train.step import TrainStep
from eclip.train.trackers import open_trackers
from eclip.train.validate import ValidationBatch
from eclip.train.watch import RunLog, console_note, memory_megabytes, read_log

VALIDATION_PAIRS = 0.5  # most pairs tried for one trained on, which costs three times as much
VALIDATION_SECONDS = 0.1  # share of the time of a run that has only so many minutes


@dataclass(kw_only=True)
class Keeper:
    """Watches a run and keeps what it needs to go on.

    Attributes:
        step: What trains it.
        config: The recipe.
        run: The run folder.
        validation: The pairs that it is tried on.
        log: Its figures.
        alarms: Know all steps so far.
        num_validations: Evenly over the run.
        on_the_clock: The run has only so many minutes: validations must not cost much beside them.
        best: How the best weights so far did.
        validated: Figures of the newest validation.
    """

    step: TrainStep
    config: TrainConfig
    run: Path
    validation: ValidationBatch
    log: RunLog
    alarms: Alarms
    num_validations: int
    on_the_clock: bool
    best: Best | None
    validated: dict[str, float] = field(default_factory=dict)
    validation_seconds: float = 0.0
    saved_at: float = field(default_factory=time.monotonic)

    @classmethod
    def of(
        cls,
        step: TrainStep,
        validation: ValidationBatch,
        config: TrainConfig,
        run: Path,
        *,
        first_step: int,
        total_pairs: int,
        on_the_clock: bool,
    ) -> Keeper:
        """The keeper of a run that goes on at a step: its log and warnings are those of the steps before."""
        trackers = open_trackers(run, config.watch.log_to, first_step=first_step, settings=config.to_json())
        log = RunLog(run, first_step=first_step, trackers=trackers)
        alarms = usual_alarms(
            warmup_share=config.optimizer.warmup_share,
            chance_known=config.targets.loss == "softmax" and config.views.weights == {"picture_title": 1},
            sides=validation.sides,
            scaled=config.memory.autocast == "fp16",
        )
        validated: dict[str, float] = {}
        for line in read_log(run):
            alarms.look(line)
            validated.update({name: value for name, value in line.items() if name.startswith("validation_")})
        affordable = int(VALIDATION_PAIRS * total_pairs / max(len(validation.chosen), 1))
        return cls(
            step=step,
            config=config,
            run=run,
            validation=validation,
            log=log,
            alarms=alarms,
            num_validations=max(1, min(config.watch.validations, affordable)),
            on_the_clock=on_the_clock,
            best=best_up_to(run, first_step),
            validated=validated,
        )

    def after_step(
        self, figures: Mapping[str, float], progress: Progress, *, before: float, share: float, stopping: bool
    ) -> str:
        """Write the figures of a step that was taken, and all else that is due; returns a note for the console.

        Args:
            figures: Of the step.
            progress: After it.
            before: Share of the run that was done before it.
            share: Share that is done now.
            stopping: The run ends here for now.
        """
        figures = {**figures, "share_done": share}
        if self._validation_is_due(before, share, progress.elapsed_seconds):
            figures |= self._validate(progress)
        figures |= memory_megabytes()
        warnings = self.alarms.look({"step": progress.step - 1, **figures})
        self.log.write(progress.step - 1, figures, warnings)
        for line in warnings:
            say(f"Warning: {line}")
        late = time.monotonic() - self.saved_at >= self.config.checkpoints.every_seconds
        if (stopping or share >= 1 or late) and not figures["skipped"]:  # weights after such a step are not yet proved
            save_checkpoint(
                self.run,
                self.step.encoder,
                self.step.optimizer,
                progress,
                extra=self.step.tensors(),
                keep=self.config.checkpoints.keep,
            )
            self.saved_at = time.monotonic()
        return console_note({**self.validated, **figures})

    def drop_unproved_checkpoints(self, first_skipped: int) -> None:
        """Remove checkpoints that no finite step followed, as long as an older one is there."""
        newest_first = checkpoint_files(self.run)
        for path in newest_first[:-1]:
            if step_of(path) >= first_skipped:
                path.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the log and the trackers."""
        self.log.close()

    def _validation_is_due(self, before: float, share: float, elapsed_seconds: float) -> bool:
        # By the share of the run alone, so that a resumed run validates at the same steps.
        if int(min(share, 1) * self.num_validations) <= int(before * self.num_validations):
            return False
        return not self.on_the_clock or share >= 1 or self.validation_seconds <= VALIDATION_SECONDS * elapsed_seconds

    def _validate(self, progress: Progress) -> dict[str, float]:
        """Try the model with the weights that count; they are kept when they are the best so far."""
        started = time.monotonic()
        with self.step.averaged():
            found = self.validation.judge(self.step.encoder)
            self.validation_seconds += time.monotonic() - started
            self.validated |= found
            if found:
                new = Best(
                    step=progress.step,
                    recall_at_1=found["validation_recall_at_1"],
                    loss=found["validation_loss_above_floor"],
                )
                if new.beats(self.best):
                    self.best = new
                    save_best(self.run, self.step.encoder, new)
        return found


def choose_weights(run: Path, encoder: Encoder, choice: ModelChoice) -> Best | None:
    """Give the encoder of a run at its end the weights that become the model; None = it keeps the last ones."""
    wants_best = choice == "best" or (choice == "auto" and overfitted(read_log(run)))
    return load_best(run, encoder) if wants_best else None
