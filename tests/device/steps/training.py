"""`rotcheck train`: three steps, each gradient held against float64."""

from record import Step, run

NAMES = ("native", "rotcheck")


def main(step: Step) -> None:
    """Train with each implementation, and say whether its gradients agree."""
    report = step.rotcheck(
        "train", *NAMES, "--steps", "3", "--device", step.device, report="training"
    )
    courses = {course["implementation"]: course for course in report.get("courses", [])}
    for name in NAMES:
        course = courses.get(name)
        if course is None:
            step.pass_over(f"{name} trains", "it was not asked")
        elif course["verdict"] in ("unavailable", "skipped"):
            step.pass_over(f"{name} trains", course["message"])
        else:
            taken = f"{len(course['steps'])} steps on {course['path'] or name}"
            told = course["message"] or taken
            step.say(
                f"{name} trains", course["verdict"] == "agrees", f"{course['verdict']}: {told}"
            )


if __name__ == "__main__":
    run(main)
