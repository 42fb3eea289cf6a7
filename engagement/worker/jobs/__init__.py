"""Jobs: what is done for a reader step by step, resumed after any crash, by any number of workers at once.

`runner` takes turns among the jobs, `taking` takes and gives back choices through `choose`, under a bar;
`written` finds out whether SQL has what the reader chose before it; `erasing` erases a reader.
"""
