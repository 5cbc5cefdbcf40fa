"""What pytest leaves out: modules that cannot be imported where the native core was not built."""

from backpass.engine import ENGINES

collect_ignore = [] if "native" in ENGINES else ["src/backpass/engine/native/native_engine.py"]
