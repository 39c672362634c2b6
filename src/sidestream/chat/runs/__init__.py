"""One answer in the making: begun, driven, answered, recorded."""
