"""What nobody needs any more goes: by a schedule, or by `sidestream tidy`."""
