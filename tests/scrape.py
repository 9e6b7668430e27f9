"""What `/metrics` says, by name and labels."""

from prometheus_client.parser import text_string_to_metric_families

from tests.running import Service


class Scrape:
    """One answer of `/metrics`, whichever process gave it."""

    def __init__(self, service: Service) -> None:
        answer = service.get("/metrics")
        assert answer.status == 200
        self.text = answer.body.decode()
        self.samples = [sample for family in text_string_to_metric_families(self.text) for sample in family.samples]

    def __call__(self, name: str, **labels: str) -> float:
        """The sum of what has these labels, others or not; 0 where there is none."""
        return sum(
            sample.value
            for sample in self.samples
            if sample.name == f"transcode_inbox_{name}" and labels.items() <= sample.labels.items()
        )

    def labels(self, name: str, label: str) -> set[str]:
        """What that label of that metric says."""
        return {sample.labels[label] for sample in self.samples if sample.name == f"transcode_inbox_{name}"}

    def names(self) -> set[str]:
        """Every series' name, as a query has it."""
        return {
            name
            for family in text_string_to_metric_families(self.text)
            for name in self._names_of(family.name, family.type)
        }

    @staticmethod
    def _names_of(name: str, kind: str) -> list[str]:
        if kind == "histogram":
            return [f"{name}_bucket", f"{name}_sum", f"{name}_count"]
        return [f"{name}_total"] if kind == "counter" else [name]
