"""Jobs: what is done for a reader or an article step by step, by any number of workers, after any crash.

`runner` takes turns among the jobs, `taking` takes and gives back choices through `choose`, under a bar;
`written` finds out whether SQL has what the reader chose before it; `erasing` erases a reader; `merging`
makes two articles one, and two again, by `carrying` comments and `moving` choices.
"""
